package acceptance

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Params bound a run.
type Params struct {
	Contenders   int           // for the locks, over all sessions
	Faults       int           // effective ones, of each kind
	Acquisitions int           // at least
	Cuts         int           // rounds of each cut
	Restarts     int           // rounds with the leader isolated and the others restarted
	Delays       int           // rounds with delayed packets before the cut
	Stops        int           // holders whose process is stopped
	Soak         time.Duration // how long faults go on, however many there were
	Seed         uint64        // of what is done when; schedules still differ from run to run
}

// FromEnv returns the parameters that the environment asks for: those of CI;
// with ZOOKIT_FAULTS=long the long run's; with ZOOKIT_SOAK=<duration> faults for
// as long. ZOOKIT_SEED sets the seed, else it is made from the time.
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
