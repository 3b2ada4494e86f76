// Package devserver plays one version of Microsoft R Server or Machine Learning Server and runs real R and Python, so that
// clients can be tried and tested without a licensed server.
//
// It is no sandbox. Whoever signs in runs code as the user the server runs as: listen on loopback, and hand out the password
// with that in mind.
//
// Routes, parameters and types come from the API document of the version played. Where the document and the behaviour recorded
// from real servers differ, the recorded behaviour wins; where both are silent a comment at the place says what was chosen.
// What open R and Python cannot do is told where it is asked for: models in RevoScaleR's own format are kept, but not scored.
// Compute nodes are kept as well, but this process is the only one: all code runs here.
//
// Operations of the document that are not built yet answer 501, paths that the version does not have answer 404.
package devserver
