import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;

/** Curator's barrier. */
final class Gate implements Recipe {
  private final DistributedBarrier barrier;

  Gate(CuratorFramework client, String path) {
    barrier = new DistributedBarrier(client, path);
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "raise":
        barrier.setBarrier();
        return "";
      case "lower":
        barrier.removeBarrier();
        return "";
      case "wait":
        barrier.waitOnBarrier();
        return "";
      default:
        throw new IllegalArgumentException("no verb " + verb);
    }
  }
}
