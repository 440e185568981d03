package zkprom

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zookit/zookit/zk"
)

// gauge is a value that is read when Prometheus asks.
type gauge struct {
	desc *prometheus.Desc
	read func(s *zk.Stats, report func(value float64, labels ...string))
}

var states = []zk.State{
	zk.StateConnecting, zk.StateConnected, zk.StateReadOnly, zk.StateDisconnected, zk.StateExpired, zk.StateAuthFailed, zk.StateClosed,
}

// label returns a name as the value of a label.
func label(name string) string { return strings.ReplaceAll(name, " ", "_") }

func newGauges(f *factory) (all []gauge) {
	add := func(name, help string, read func(*zk.Stats, func(float64, ...string)), by ...string) {
		all = append(all, gauge{f.gauge(name, help, by...), read})
	}
	value := func(name, help string, read func(*zk.Stats) float64) {
		add(name, help, func(s *zk.Stats, report func(float64, ...string)) { report(read(s)) })
	}
	add("state", "1 for the state of the client, 0 for the others.", func(s *zk.Stats, report func(float64, ...string)) {
		for _, state := range states {
			is := 0.
			if state == s.State {
				is = 1
			}
			report(is, label(state.String()))
		}
	}, "state")
	add("server_info", "1 for the server to which the client is connected.", func(s *zk.Stats, report func(float64, ...string)) {
		if s.Server != "" {
			report(1, s.Server)
		}
	}, "server")
	value("state_seconds", "Time since the last change of the state.", func(s *zk.Stats) float64 { return s.InState.Seconds() })
	value("connection_age_seconds", "Age of the connection, 0 without one.", func(s *zk.Stats) float64 { return s.ConnAge.Seconds() })
	value("session_age_seconds", "Age of the newest session.", func(s *zk.Stats) float64 { return s.Session.Age.Seconds() })
	value("session_timeout_seconds", "Timeout that the server has granted, 0 without a session.", func(s *zk.Stats) float64 { return s.Session.Timeout.Seconds() })
	value("lease_left_seconds", "Rest of the lease on which guards rest, 0 if it has lapsed. Without a guard it is not renewed.", func(s *zk.Stats) float64 { return s.Session.LeaseLeft.Seconds() })
	value("guards", "Guards that rest on the lease: what the client holds.", func(s *zk.Stats) float64 { return float64(s.Session.Guards) })
	value("requests_in_flight", "Requests that were sent and are not answered.", func(s *zk.Stats) float64 { return float64(s.InFlight) })
	value("requests_queued", "Requests that wait to be written.", func(s *zk.Stats) float64 { return float64(s.Queued) })
	value("calls_waiting", "Calls that wait for room, because so many others are in flight or queued.", func(s *zk.Stats) float64 { return float64(s.WaitingForRoom) })
	add("watches", "Watches that wait for a change, by kind.", func(s *zk.Stats, report func(float64, ...string)) {
		report(float64(s.Watches.Data), "data")
		report(float64(s.Watches.Absent), "absent")
		report(float64(s.Watches.Children), "children")
	}, "kind")
	value("subscriptions", "Subscriptions.", func(s *zk.Stats) float64 { return float64(len(s.Subscriptions)) })
	value("subscription_events_waiting", "Events that readers of subscriptions have not taken.", func(s *zk.Stats) (n float64) {
		for _, sub := range s.Subscriptions {
			n += float64(sub.Waiting)
		}
		return n
	})
	value("sessions_unconfirmed", "Sessions that are over for the client and that the ensemble may still keep.", func(s *zk.Stats) float64 { return float64(s.Unconfirmed) })
	add("companion", "Counts of what stands on the client, such as nodes that are to be deleted.", func(s *zk.Stats, report func(float64, ...string)) {
		counts := map[[2]string]int{} // companions may have the same name
		for _, c := range s.Companions {
			for what, n := range c.Counts {
				counts[[2]string{label(c.Name), label(what)}] += n
			}
		}
		for key, n := range counts {
			report(float64(n), key[:]...)
		}
	}, "name", "what")
	return all
}
