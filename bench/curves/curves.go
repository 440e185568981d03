package main

// curves returns all curves. end releases what they keep between measurements.
func curves() (list []curve, end func()) {
	all := new(services)
	list = append(queueCurves(), holdCurves()...)
	list = append(list, memberCurves()...)
	return append(list, pickCurves(all)...), all.close
}
