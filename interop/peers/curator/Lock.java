import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;

/** Curator's mutex. */
final class Lock extends Exclusive {
  private final InterProcessMutex mutex;

  Lock(CuratorFramework client, String dir) {
    mutex = new InterProcessMutex(client, dir);
  }

  @Override
  void acquire() throws Exception {
    mutex.acquire();
  }

  @Override
  void release() throws Exception {
    mutex.release();
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    if (verb.equals("try")) {
      return mutex.acquire(0, TimeUnit.SECONDS) ? "yes" : "no";
    }
    return super.run(verb, args);
  }
}
