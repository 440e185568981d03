import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.apache.zookeeper.*;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.data.*;

/** Sends one of every request that ZooKeeper's own client can send, for peers_test.go to record. */
public class Peer {
    static final Semaphore connected = new Semaphore(0);
    static final Watcher ignore = e -> { };

    public static void main(String[] args) throws Exception {
        ZooKeeper zk = new ZooKeeper(args[0], 4000, e -> {
            if (e.getType() == EventType.None && e.getState() == KeeperState.SyncConnected) {
                connected.release();
            }
        });
        connected.acquire();
        List<ACL> open = ZooDefs.Ids.OPEN_ACL_UNSAFE;
        zk.create("/j", null, open, CreateMode.PERSISTENT);
        zk.addAuthInfo("digest", bytes("golden:secret"));
        zk.create("/j/a", bytes("data"), open, CreateMode.PERSISTENT, new Stat());
        zk.create("/j/e-", new byte[0], open, CreateMode.EPHEMERAL_SEQUENTIAL);
        zk.create("/j/c", new byte[0], open, CreateMode.CONTAINER, new Stat());
        zk.create("/j/t", bytes("t"), open, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 60_000);
        zk.create("/j/s-", bytes("t"), open, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, new Stat(), 1L << 32);
        zk.getACL("/j", new Stat());
        zk.setACL("/j", Arrays.asList(new ACL(31, new Id("auth", "")), new ACL(31, new Id("world", "anyone"))), 0);
        zk.setData("/j/a", null, -1);
        zk.multi(Arrays.asList(
            Op.create("/j/m", bytes("m"), open, CreateMode.PERSISTENT),
            Op.check("/j/m", 0),
            Op.setData("/j/m", bytes("mm"), 0),
            Op.delete("/j/m", 1),
            Op.create("/j/mc", new byte[0], open, CreateMode.CONTAINER),
            Op.create("/j/mt", new byte[0], open, CreateMode.PERSISTENT_WITH_TTL, 60_000)));

        zk.getData("/j/a", ignore, new Stat());
        zk.exists("/j/none", ignore);
        zk.getChildren("/j", ignore, new Stat());
        cut(zk); // setWatches
        zk.addWatch("/j/a", ignore, AddWatchMode.PERSISTENT);
        zk.addWatch("/j", ignore, AddWatchMode.PERSISTENT_RECURSIVE);
        cut(zk); // setWatches2
        zk.removeAllWatches("/j", Watcher.WatcherType.Any, false);
        zk.removeAllWatches("/j/none", Watcher.WatcherType.Data, false);
        zk.delete("/j/a", 1);
        Thread.sleep(2000); // longer than the client is idle before it pings
        zk.close();
    }

    /** The relay between us and the server ends the connection when it sees a sync of this path. */
    static void cut(ZooKeeper zk) throws Exception {
        zk.sync("/cut", (rc, path, ctx) -> { }, null);
        connected.acquire();
    }

    static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }
}
