package discovery

import "math/rand/v2"

// Weighted chooses at random. The chance of an instance is in proportion to its
// weight. An instance with a weight of 0 or less is not chosen, unless no instance has
// a larger one; then Weighted is Random. weight is called once for each instance, and
// again when that changes.
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
	made    *Usable // the fields below are computed from it

	// sums has for each candidate the total weight of all usable ones up to it. A
	// candidate without a sector has the sum of the one before it. The sums are floating
	// point, since integers overflow with large weights. The rounding changes a chance by
	// less than 10⁻¹².
	sums []float64
	// first divides the wheel into as many equal arcs as there are candidates. It has for
	// each arc the first candidate whose sector reaches into it. A search over the sums
	// would take longer.
	first []int32
	last  int // the last candidate with a sector; -1: there is none
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

// spin returns the candidate whose sector contains a random place.
func (w *wheel) spin() int {
	if w.last < 0 {
		return w.made.Random()
	}
	arc := rand.IntN(len(w.first))
	place := w.begin(arc) + rand.Float64()*(w.begin(arc+1)-w.begin(arc))
	n := int(w.first[arc])
	for n < w.last && w.sums[n] <= place { // a place that is rounded up belongs to the last
		n++
	}
	return n
}
