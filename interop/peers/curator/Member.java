import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.nodes.GroupMember;

/** A member by Curator's recipe, from new to leave. */
final class Member implements Recipe {
  private final GroupMember member;

  Member(CuratorFramework client, String dir, String id, String data) {
    member = new GroupMember(client, dir, id, data.getBytes(StandardCharsets.UTF_8));
    member.start();
  }

  @Override
  public String run(String verb, String[] args) {
    switch (verb) {
      case "members":
        List<String> members = new ArrayList<>();
        for (Map.Entry<String, byte[]> m : new TreeMap<>(member.getCurrentMembers()).entrySet()) {
          members.add(m.getKey() + "=" + new String(m.getValue(), StandardCharsets.UTF_8));
        }
        return String.join(" ", members);
      case "update":
        member.setThisData(args[0].getBytes(StandardCharsets.UTF_8));
        return "";
      case "leave":
        member.close();
        return "";
      default:
        throw new IllegalArgumentException("no verb " + verb);
    }
  }
}
