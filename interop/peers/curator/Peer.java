import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;

/** One Curator client whose recipes follow orders; doc.go of the module has the protocol. */
public final class Peer {
  private static Recipe make(String recipe, CuratorFramework client, String[] args)
      throws Exception {
    switch (recipe) {
      case "lock":
        return new Lock(client, args[0]);
      case "readlock":
        return new ReadWriteLock(client, args[0], false);
      case "writelock":
        return new ReadWriteLock(client, args[0], true);
      case "selector":
        return new Selector(client, args[0]);
      case "latch":
        return new Latch(client, args[0], args.length > 1 ? args[1] : "");
      case "semaphore":
        return new Semaphore(client, args[0], Integer.parseInt(args[1]), false);
      case "sharedsemaphore":
        return new Semaphore(client, args[0], Integer.parseInt(args[1]), true);
      case "doublebarrier":
        return new DoubleBarrier(client, args[0], Integer.parseInt(args[1]));
      case "gate":
        return new Gate(client, args[0]);
      case "member":
        return new Member(client, args[0], args[1], args[2]);
      case "discovery":
        return new Discovery(client, args[0], args.length > 1);
      default:
        throw new IllegalArgumentException("no recipe " + recipe);
    }
  }

  /** Args: connect string, session timeout in ms. */
  public static void main(String[] args) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.builder()
        .connectString(args[0])
        .sessionTimeoutMs(Integer.parseInt(args[1]))
        .connectionTimeoutMs(Integer.parseInt(args[1]))
        .retryPolicy(new RetryOneTime(100))
        .ensembleTracker(false) // it would bypass the proxies
        .build();
    client.start();
    client.blockUntilConnected();
    say("session " + client.getZookeeperClient().getZooKeeper().getSessionId());

    // Curator's locks belong to threads, so every handle has a thread of its own.
    Map<String, ExecutorService> threads = new HashMap<>();
    Map<String, Recipe> recipes = new HashMap<>();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      String[] f = line.split(" ");
      String number = f[0];
      String handle = f[1];
      String verb = f[2];
      String[] rest = Arrays.copyOfRange(f, 3, f.length);
      threads.computeIfAbsent(handle, h -> Executors.newSingleThreadExecutor()).execute(() -> {
        try {
          String result = "";
          if (verb.equals("new")) {
            Recipe recipe = make(rest[0], client, Arrays.copyOfRange(rest, 1, rest.length));
            synchronized (recipes) {
              recipes.put(handle, recipe);
            }
          } else {
            Recipe recipe;
            synchronized (recipes) {
              recipe = recipes.get(handle);
            }
            result = recipe.run(verb, rest);
          }
          say(number + " ok " + result);
        } catch (Throwable e) {
          say(number + " error " + e.toString().replace('\n', ' '));
        }
      });
    }
    // The end of the input ends the peer. halt does not wait for blocked threads.
    client.close();
    Runtime.getRuntime().halt(0);
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
