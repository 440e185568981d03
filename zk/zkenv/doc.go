// Package zkenv reads the configuration of a client from environment variables, for
// programs that want it. The client itself reads none.
//
//	cfg, err := zkenv.Config()
//	if err != nil {
//		return err // names all faults
//	}
//	client, err := zk.Connect(ctx, cfg)
//
// These are the variables. One of the first two is needed. An empty one counts as not set.
//
//	ZOOKIT_SERVERS           zk.Config.Servers: "zk1:2181,zk2:2181/app". With ZOOKIT_SRV it
//	                         may be a chroot alone.
//	ZOOKIT_SRV               the name of SRV records: "_zookeeper._tcp.example.org"
//	ZOOKIT_SESSION_TIMEOUT   zk.Config.SessionTimeout: "10s"
//	ZOOKIT_COMPAT            zk.Config.Compat, by its name: "3.6"
//	ZOOKIT_DIGEST_FILE       a file with "user:password", for zk.DigestAuth
//	ZOOKIT_SASL_FILE         a file with "user:password", for zk.DigestMD5
//	ZOOKIT_TLS               "true" for TLS with the authorities of the system; the variables
//	                         below turn it on, too
//	ZOOKIT_TLS_CA_FILE       the files of zk.TLSFiles: authorities, certificate and key
//	ZOOKIT_TLS_CERT_FILE
//	ZOOKIT_TLS_KEY_FILE
//	ZOOKIT_TLS_SERVER_NAME   the name in the servers' certificates
//	ZOOKIT_MAX_IN_FLIGHT     zk.Config.MaxInFlight
//	ZOOKIT_MAX_REQUEST_SIZE  zk.Config.MaxRequestSize, in bytes
//	ZOOKIT_MAX_REPLY_SIZE    zk.Config.MaxReplySize, in bytes
//	ZOOKIT_QUORUM_LEASE      zk.Config.QuorumLease: "true"
//	ZOOKIT_TOUCH_DELAY       zk.Config.TouchDelay: "2s"
//	ZOOKIT_RECONNECT_SPREAD  zk.Config.ReconnectSpread: "1s"
//	ZOOKIT_BACKGROUND        zk.Config.Background: "true"
//
// A variable with the prefix ZOOKIT_ that is not in this list is a fault, since it is
// likely a misspelt one.
//
// Secrets are in files and not in variables, since other programs can often see the
// environment of a process. The client reads the files again at every connect, so that
// they can be replaced while it runs.
package zkenv
