// Package fourletter asks ZooKeeper servers for their state by the four-letter words: srvr,
// ruok, mntr, cons, wchs, dirs, isro, conf and envi.
//
//	server := fourletter.Server{Addr: "zk1:2181"}
//	status, err := server.Srvr(ctx)
//	fmt.Println(status.Mode, status.Zxid, err)
//
// Each word is a connection of its own, without a session: the server answers and closes
// it. So a word also works when a client cannot connect. An answer is bounded in size and
// time.
//
// Servers from 3.5.3 on answer srvr alone, unless 4lw.commands.whitelist in their
// configuration names other words. The others are ErrNotListed then.
package fourletter
