import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;

/** Curator's leader selector: a mutex that is held while takeLeadership runs. */
final class Selector extends Exclusive {
  private final CuratorFramework client;
  private final String dir;
  private LeaderSelector selector;
  private CountDownLatch resigned;

  Selector(CuratorFramework client, String dir) {
    this.client = client;
    this.dir = dir;
  }

  @Override
  void acquire() throws Exception {
    CountDownLatch elected = new CountDownLatch(1);
    CountDownLatch resign = new CountDownLatch(1);
    resigned = resign;
    selector = new LeaderSelector(client, dir, new LeaderSelectorListenerAdapter() {
      @Override
      public void takeLeadership(CuratorFramework c) throws InterruptedException {
        elected.countDown();
        resign.await();
      }
    });
    selector.start();
    elected.await();
  }

  @Override
  void release() {
    resigned.countDown();
    selector.close();
  }
}
