package discovery

// ZoneFirst lets inner choose among the instances of the zone own, or among all if
// none of those can be chosen. zone returns the zone of an instance, for example from
// its payload. It is called once for each instance, and again when that changes.
func ZoneFirst(own string, zone func(*Instance) string, inner Strategy) Strategy {
	if zone == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the function of ZoneFirst") }
	}
	if inner == nil {
		return func([]Candidate) (Chooser, error) { return errNil("the inner strategy of ZoneFirst") }
	}
	var near memo[bool]
	return func(list []Candidate) (Chooser, error) {
		var (
			part  []int // indexes in list
			local []Candidate
		)
		for i, is := range near.of(list, func(i *Instance) bool { return zone(i) == own }) {
			if is {
				part, local = append(part, i), append(local, list[i])
			}
		}
		chooseLocal, err := inner(local)
		if err != nil {
			return nil, err
		}
		chooseAll, err := inner(list)
		if err != nil {
			return nil, err
		}
		var made, among *Usable // among is computed from made
		return func(usable *Usable, key string) int {
			if usable != made {
				made, among = usable, usable.Among(part)
			}
			if among.Len() == 0 {
				return chooseAll(usable, key)
			}
			n := chooseLocal(among, key)
			if !among.Has(n) {
				return -1
			}
			return part[n]
		}, nil
	}
}
