package discovery

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"sort"
)

// Usable is the set of candidates of a list that may be chosen now: those that are not
// set aside, or all if all are set aside. It has at least one member. It does not
// change, so a result computed from it stays valid for the same pointer. No method
// allocates, except Among.
type Usable struct {
	n     int      // candidates in the list
	count int      // usable ones
	words []uint64 // a bit for each candidate; nil: all are usable
	ranks []int    // the number of usable ones before each word
}

// allUsable is the set of all n candidates.
func allUsable(n int) *Usable { return &Usable{n: n, count: n} }

// Len returns the number of candidates that can be chosen.
func (u *Usable) Len() int { return u.count }

// Has reports whether the candidate with index i can be chosen.
func (u *Usable) Has(i int) bool {
	if i < 0 || i >= u.n {
		return false
	}
	return u.words == nil || u.words[i/64]>>(i%64)&1 == 1
}

// At returns the index of the k-th candidate that can be chosen. k counts from 0
// and is below Len.
func (u *Usable) At(k int) int {
	if u.words == nil {
		return k
	}
	w := sort.Search(len(u.ranks), func(w int) bool { return u.ranks[w] > k }) - 1
	word := u.words[w]
	for range k - u.ranks[w] {
		word &= word - 1 // clears the lowest bit
	}
	return w*64 + bits.TrailingZeros64(word)
}

// Random returns the index of any candidate that can be chosen, all with the same
// chance.
func (u *Usable) Random() int {
	for range 4 { // usually the first draw can be chosen
		if i := rand.IntN(u.n); u.Has(i) {
			return i
		}
	}
	return u.At(rand.IntN(u.count))
}

// Next returns the index of the first candidate that can be chosen, at i or after it.
// After the end of the list it continues at the start.
func (u *Usable) Next(i int) int {
	if i < 0 || i >= u.n {
		i = 0
	}
	if u.words == nil {
		return i
	}
	w := i / 64
	if word := u.words[w] >> (i % 64); word != 0 {
		return i + bits.TrailingZeros64(word)
	}
	// The rank of the first one after this word is known.
	if w+1 < len(u.ranks) && u.ranks[w+1] < u.count {
		return u.At(u.ranks[w+1])
	}
	return u.At(0)
}

// Among returns which of a part of the candidates can be chosen. part has the indexes
// of its members. Index i of the result is the candidate with index part[i] of the
// whole. Among takes time in proportion to the part: keep the result as long as u is
// the same pointer.
func (u *Usable) Among(part []int) *Usable {
	if u.words == nil {
		return allUsable(len(part))
	}
	out := &Usable{n: len(part), words: make([]uint64, (len(part)+63)/64)}
	for i, at := range part {
		if u.Has(at) {
			out.words[i/64] |= 1 << (i % 64)
		}
	}
	out.rank()
	return out
}

// but returns a copy in which candidate i can be chosen, or cannot.
func (u *Usable) but(i int, usable bool) *Usable {
	out := &Usable{n: u.n, words: slices.Clone(u.words)}
	if out.words == nil {
		out.words = make([]uint64, (u.n+63)/64)
		for k := range u.n {
			out.words[k/64] |= 1 << (k % 64)
		}
	}
	if usable {
		out.words[i/64] |= 1 << (i % 64)
	} else {
		out.words[i/64] &^= 1 << (i % 64)
	}
	out.rank()
	return out
}

// rank computes ranks and count. A set of all candidates needs no bits.
func (u *Usable) rank() {
	u.ranks = make([]int, len(u.words))
	for w, word := range u.words {
		u.ranks[w] = u.count
		u.count += bits.OnesCount64(word)
	}
	if u.count == u.n {
		u.words, u.ranks = nil, nil
	}
}
