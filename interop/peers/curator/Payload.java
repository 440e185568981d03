/** The payload of an instance, as an object. */
public final class Payload {
  public String zone;
  public int weight;

  @Override
  public String toString() {
    return "zone:" + zone + ",weight:" + weight;
  }
}
