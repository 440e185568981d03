import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;

/** One side of Curator's read-write lock. */
final class ReadWriteLock extends Exclusive {
  private final InterProcessReadWriteLock lock;
  private final boolean write;
  private InterProcessMutex held;

  ReadWriteLock(CuratorFramework client, String dir, boolean write) {
    lock = new InterProcessReadWriteLock(client, dir);
    this.write = write;
  }

  @Override
  void acquire() throws Exception {
    InterProcessMutex side = write ? lock.writeLock() : lock.readLock();
    side.acquire();
    held = side;
  }

  @Override
  void release() throws Exception {
    held.release();
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    if (verb.equals("downgrade")) {
      lock.readLock().acquire();
      lock.writeLock().release();
      held = lock.readLock();
      return "";
    }
    return super.run(verb, args);
  }

  @Override
  boolean visit(Path inside) throws IOException, InterruptedException {
    if (write) {
      return super.visit(inside);
    }
    Path own = Files.createTempFile(inside.getParent(), "reader", "");
    Thread.sleep(1);
    boolean alone = Files.notExists(inside);
    Files.delete(own);
    return alone;
  }
}
