import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.shared.SharedCount;

/** Curator's semaphore, with a fixed limit or with the limit in a SharedCount. */
final class Semaphore extends Exclusive {
  private final InterProcessSemaphoreV2 semaphore;
  private final int limit;
  private SharedCount count;
  private final Deque<Collection<Lease>> held = new ArrayDeque<>();

  /** If shared is set, the limit is only the start value of a new SharedCount. */
  Semaphore(CuratorFramework client, String dir, int limit, boolean shared) throws Exception {
    this.limit = limit;
    if (!shared) {
      semaphore = new InterProcessSemaphoreV2(client, dir, limit);
      return;
    }
    count = new SharedCount(client, dir, limit);
    semaphore = new InterProcessSemaphoreV2(client, dir, count);
    count.start();
  }

  @Override
  void acquire() throws Exception {
    held.push(semaphore.acquire(1));
  }

  @Override
  void release() {
    semaphore.returnAll(held.pop());
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "acquire":
        held.push(semaphore.acquire(args.length > 0 ? Integer.parseInt(args[0]) : 1));
        return "";
      case "limit":
        return String.valueOf(count.getCount());
      case "setlimit":
        count.setCount(Integer.parseInt(args[0]));
        return "";
      default:
        return super.run(verb, args);
    }
  }

  /** At most as many files exist as there are permits. */
  @Override
  boolean visit(Path inside) throws IOException, InterruptedException {
    for (int i = 0; i < limit; i++) {
      Path file = inside.resolveSibling(inside.getFileName() + "." + i);
      if (create(file)) {
        Thread.sleep(1);
        Files.delete(file);
        return true;
      }
    }
    return false;
  }
}
