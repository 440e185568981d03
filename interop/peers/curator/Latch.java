import java.util.ArrayList;
import java.util.List;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.Participant;

/** Curator's leader latch. */
final class Latch extends Exclusive {
  private final CuratorFramework client;
  private final String dir;
  private final String id;
  private LeaderLatch latch;

  Latch(CuratorFramework client, String dir, String id) {
    this.client = client;
    this.dir = dir;
    this.id = id;
  }

  @Override
  void acquire() throws Exception {
    latch = new LeaderLatch(client, dir, id); // a closed latch cannot start again
    latch.start();
    latch.await();
  }

  @Override
  void release() throws Exception {
    latch.close();
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "leader":
        return new LeaderLatch(client, dir, id).getLeader().getId();
      case "participants":
        List<String> ids = new ArrayList<>();
        for (Participant p : new LeaderLatch(client, dir, id).getParticipants()) {
          ids.add(p.getId());
        }
        return String.join(" ", ids);
      default:
        return super.run(verb, args);
    }
  }
}
