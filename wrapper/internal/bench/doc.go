// Package bench measures what calls, streams, data frames and batches cost a client, against a stub server in a process of its
// own, which does as little as can be.
//
// All clients take turns in one process, in another order each round, and what counts is the median of the ratios of each round:
// the load of the machine, which changes, falls out. A ratio is to the floor, a client written by hand for this one call, or to
// the generated client with the runtime's defaults. The command is below, in versus: a module of its own, so that the client
// of another generator that it compares with is no requirement of this one.
package bench
