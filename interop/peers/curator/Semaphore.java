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

/** Curator's semaphore: with a limit of its own, or with the one that a SharedCount has stored. */
final class Semaphore extends Exclusive {
  private final InterProcessSemaphoreV2 semaphore;
  private final int limit;
  private SharedCount count;
  private final Deque<Collection<Lease>> held = new ArrayDeque<>();

  /** With shared, the limit is only what a SharedCount starts with that is not there yet. */
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

  /** As many files can be there as there are permits. */
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
