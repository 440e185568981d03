package acceptance

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Params are the limits of a run.
type Params struct {
	Contenders   int           // for the locks, over all sessions
	Faults       int           // effective faults of each kind
	Acquisitions int           // at least
	Cuts         int           // rounds of each cut
	Restarts     int           // rounds with the leader isolated and the others restarted
	Delays       int           // rounds with delayed packets before the cut
	Stops        int           // holders whose process is stopped
	Soak         time.Duration // minimal time of faults
	Seed         uint64        // of the random choices; schedules still differ between runs
}

// FromEnv returns the parameters that the environment asks for. The default is for
// CI. ZOOKIT_FAULTS=long selects the long run. ZOOKIT_SOAK=<duration> causes faults
// for that time. ZOOKIT_SEED sets the seed, which otherwise comes from the time.
func FromEnv() (Params, error) {
	p := Params{Contenders: 16, Faults: 2, Acquisitions: 200, Cuts: 3, Restarts: 1, Delays: 2, Stops: 3, Seed: uint64(time.Now().UnixNano())}
	switch v := os.Getenv("ZOOKIT_FAULTS"); v {
	case "":
	case "long":
		p.Faults, p.Acquisitions, p.Cuts, p.Restarts, p.Delays, p.Stops = 10, 2000, 50, 10, 10, 10
	default:
		return p, fmt.Errorf("acceptance: ZOOKIT_FAULTS is %q, want long or nothing", v)
	}
	var err error
	if v := os.Getenv("ZOOKIT_SOAK"); v != "" {
		p.Cuts, p.Restarts, p.Delays, p.Stops = 0, 0, 0, 0
		if p.Soak, err = time.ParseDuration(v); err != nil {
			return p, fmt.Errorf("acceptance: ZOOKIT_SOAK: %w", err)
		}
	}
	if v := os.Getenv("ZOOKIT_SEED"); v != "" {
		if p.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return p, fmt.Errorf("acceptance: ZOOKIT_SEED: %w", err)
		}
	}
	return p, nil
}
