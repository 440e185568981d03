package discovery

import "math/rand/v2"

// Weighted takes any, with a chance in proportion to its weight. A weight of 0
// or less is none; if no candidate has one, it is Random. weight is asked once
// for each instance, and again when that changes.
func Weighted(weight func(*Instance) int) Strategy {
	if weight == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the function of Weighted") }
	}
	var weights memo[int]
	return func(list []Candidate) (Chooser, error) {
		w := &wheel{weights: weights.of(list, weight)}
		return func(usable *Usable, _ string) int {
			if usable != w.made {
				w.make(usable)
			}
			return w.spin()
		}, nil
	}
}

// wheel has for each candidate a sector as wide as its weight.
type wheel struct {
	weights []int
	made    *Usable // what follows is made of

	// Each is the weight of all usable candidates up to it. One without a sector
	// has the sum of the one before it. Floating point, since integers overflow
	// where weights are large: what it rounds off is a chance of less than 10⁻¹².
	sums []float64
	// first is, for each of as many equal arcs as there are candidates, the first
	// candidate of which the sector reaches into it: a search over the sums would
	// take longer.
	first []int32
	last  int // the last candidate that has a sector; -1: there is none
}

func (w *wheel) make(usable *Usable) {
	if w.made == nil {
		w.sums, w.first = make([]float64, len(w.weights)), make([]int32, len(w.weights))
	}
	w.made, w.last = usable, -1
	sum := 0.0
	for i, weight := range w.weights {
		if weight > 0 && usable.Has(i) {
			sum += float64(weight)
			w.last = i
		}
		w.sums[i] = sum
	}
	at := int32(0)
	for arc := range w.first {
		for int(at) < w.last && w.sums[at] <= w.begin(arc) {
			at++
		}
		w.first[arc] = at
	}
}

// begin returns where an arc begins.
func (w *wheel) begin(arc int) float64 {
	return float64(arc) / float64(len(w.first)) * w.sums[len(w.sums)-1]
}

// spin returns the candidate whose sector a random place is in.
func (w *wheel) spin() int {
	if w.last < 0 {
		return w.made.Random()
	}
	arc := rand.IntN(len(w.first))
	place := w.begin(arc) + rand.Float64()*(w.begin(arc+1)-w.begin(arc))
	n := int(w.first[arc])
	for n < w.last && w.sums[n] <= place { // what is rounded up belongs to the last
		n++
	}
	return n
}
