import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** A party of Curator's double barrier. */
final class DoubleBarrier implements Recipe {
  private final DistributedDoubleBarrier barrier;

  DoubleBarrier(CuratorFramework client, String dir, int parties) {
    barrier = new DistributedDoubleBarrier(client, dir, parties);
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "enter":
        barrier.enter();
        return "";
      case "leave":
        barrier.leave();
        return "";
      default:
        throw new IllegalArgumentException("no verb " + verb);
    }
  }
}
