package bench

import (
	"fmt"
	"slices"
)

// spread is the median of a list and its quartiles.
type spread struct{ Low, Median, High float64 }

func spreadOf(list []float64) spread {
	sorted := slices.Sorted(slices.Values(list))
	at := func(share float64) float64 { return sorted[int(share*float64(len(sorted)-1)+0.5)] }
	return spread{at(0.25), at(0.5), at(0.75)}
}

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Low, s.High) }

// ratio compares two samples turn by turn.
func ratio(a, to sample, of func(cost) float64) spread {
	list := make([]float64, 0, len(a.turns))
	for i, t := range a.turns {
		if base := of(to.turns[i]); base > 0 {
			list = append(list, of(t)/base)
		}
	}
	if len(list) == 0 {
		return spread{}
	}
	return spreadOf(list)
}

// median is that of one figure of a sample.
func (s sample) median(of func(cost) float64) float64 {
	list := make([]float64, 0, len(s.turns))
	for _, t := range s.turns {
		list = append(list, of(t))
	}
	return spreadOf(list).Median
}

func wall(c cost) float64      { return c.wall }
func cpu(c cost) float64       { return c.cpu }
func mallocs(c cost) float64   { return float64(c.mallocs) }
func allocated(c cost) float64 { return float64(c.bytes) }

// per is the median of a figure for each call.
func (s sample) per(of func(cost) float64) float64 {
	return s.median(of) * float64(len(s.turns)) / float64(s.calls)
}

// connections are those that were opened for each call: on average, and in the turn with the fewest.
func (s sample) connections() (average, fewest float64) {
	var all int64
	least := s.turns[0].connections
	for _, t := range s.turns {
		all += t.connections
		least = min(least, t.connections)
	}
	return float64(all) / float64(s.calls), float64(least) * float64(len(s.turns)) / float64(s.calls)
}

// String shows the row while the rest is still running.
func (r callRow) String() string {
	text := fmt.Sprintf("%s: floor %.0f µs a call", r.callCase, 1e6*r.clients[0].per(wall))
	for _, c := range r.clients {
		connections, _ := c.connections()
		text += fmt.Sprintf("\n  %-42s wall %s  cpu %s  %4.0f allocations %6.0f bytes  %.3f connections", c.name,
			ratio(c, r.clients[0], wall), ratio(c, r.clients[0], cpu), c.per(mallocs), c.per(allocated), connections)
	}
	return text
}
