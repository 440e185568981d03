"""Sends one of every request that kazoo can send, for peers_test.go to record."""
import sys
import time

from kazoo.client import KazooClient
from kazoo.security import ACL, Id, OPEN_ACL_UNSAFE

zk = KazooClient(hosts=sys.argv[1], timeout=4.0)
zk.start()
zk.add_auth("digest", "golden:secret")
zk.create("/k", b"data")
zk.create("/k/e-", b"", acl=OPEN_ACL_UNSAFE, ephemeral=True, sequence=True)
zk.create("/k/two", b"x", acl=[ACL(31, Id("world", "anyone")), ACL(1, Id("digest", "u:p="))], include_data=True)
zk.exists("/k")
zk.exists("/k/none", watch=lambda e: None)
zk.get("/k")
zk.get("/k/two", watch=lambda e: None)
zk.set("/k", b"more")
zk.set("/k", b"", version=1)
zk.get_children("/k")
zk.get_children("/k", watch=lambda e: None)
zk.get_children("/k", include_data=True)
zk.get_acls("/k")
zk.set_acls("/k", OPEN_ACL_UNSAFE, version=0)
zk.sync("/k")
t = zk.transaction()
t.create("/k/m", b"m")
t.check("/k/m", version=0)
t.set_data("/k/m", b"mm", version=0)
t.delete("/k/m", version=1)
t.commit()
zk.delete("/k/two")
time.sleep(2)  # longer than kazoo is idle before it pings
zk.stop()
zk.close()
