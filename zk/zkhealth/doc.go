// Package zkhealth answers the probes of an orchestrator from memory: is this process
// alive, and is it ready for work?
//
//	alive := map[string]zkhealth.Check{"zookeeper": zkhealth.Live(client)}
//	ready := map[string]zkhealth.Check{
//		"zookeeper": zkhealth.Ready(client),
//		"member":    zkhealth.Of(member.Status),
//		"election":  zkhealth.Of(candidacy.Status),
//	}
//	http.Handle("/healthz", zkhealth.Handler(alive))
//	http.Handle("/readyz", zkhealth.Handler(ready))
//
// # Which probe asks what
//
// Liveness asks whether a restart of the process would help. It does not help while no
// server can be reached: the client reconnects by itself, and a restart costs the
// session and all that it holds. So [Live] is no question about the ensemble.
//
// Readiness asks whether the process should get work now. [Ready] tolerates an outage
// of up to one session timeout, because most are over before, and holds and
// registrations outlive them.
//
// No check makes a request, and none promises anything to the holder of a lock or to a
// leader: only the context of the hold does.
package zkhealth
