import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;

/** An exclusive recipe: at most one contender is inside. */
abstract class Exclusive implements Recipe {
  abstract void acquire() throws Exception;

  abstract void release() throws Exception;

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "acquire":
        acquire();
        return "";
      case "release":
        release();
        return "";
      case "contend":
        return contend(Paths.get(args[0]), Long.parseLong(args[1]));
      default:
        throw new IllegalArgumentException("no verb " + verb);
    }
  }

  /** Acquires and releases for some time. The file exists while a contender is inside. */
  private String contend(Path inside, long millis) throws Exception {
    int turns = 0;
    int overlaps = 0;
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (System.nanoTime() < end) {
      acquire();
      turns++;
      if (!visit(inside)) {
        overlaps++;
      }
      release();
    }
    return turns + " " + overlaps;
  }

  /** Reports whether the contender was alone inside. */
  boolean visit(Path inside) throws IOException, InterruptedException {
    if (!create(inside)) {
      return false;
    }
    Thread.sleep(1);
    boolean alone = inside.getParent().toFile().list().length == 1;
    Files.delete(inside);
    return alone;
  }

  /** Returns false if the file exists already. */
  static boolean create(Path file) throws IOException {
    try {
      Files.createFile(file);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }
}
