package main

// results are the figures of all rounds so far.
type results struct {
	rounds int
	cells  map[cell][]float64 // one for each round
}

type cell struct {
	on       serverKind
	workload string
	client   string
	metric   metric
}

func newResults() *results { return &results{cells: map[cell][]float64{}} }

func (r *results) add(on serverKind, workload, client string, f figures) {
	for m, v := range f {
		c := cell{on, workload, client, m}
		r.cells[c] = append(r.cells[c], v)
	}
}

func (r *results) of(on serverKind, workload, client string, m metric) []float64 {
	return r.cells[cell{on, workload, client, m}]
}
