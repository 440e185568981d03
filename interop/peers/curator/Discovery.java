import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceInstanceBuilder;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;

/** Curator's service discovery. Instances are read and written as field=value, with Curator's names. */
final class Discovery implements Recipe {
  private final ServiceDiscovery<Object> discovery;
  private final Map<String, ServiceInstance<Object>> registered = new HashMap<>();
  private final Map<String, ServiceCache<Object>> caches = new HashMap<>();
  private final Map<String, ServiceProvider<Object>> providers = new HashMap<>();

  /** If full is set, "enabled" is written too. */
  Discovery(CuratorFramework client, String base, boolean full) throws Exception {
    ServiceDiscoveryBuilder<Object> builder =
        ServiceDiscoveryBuilder.builder(Object.class).client(client).basePath(base);
    if (full) {
      builder.serializer(new JsonInstanceSerializer<>(Object.class, false));
    }
    discovery = builder.build();
    discovery.start();
  }

  @Override
  public String run(String verb, String[] args) throws Exception {
    switch (verb) {
      case "register":
        ServiceInstance<Object> instance = parse(args);
        discovery.registerService(instance);
        registered.put(instance.getName() + "/" + instance.getId(), instance);
        return "";
      case "update":
        discovery.updateService(parse(args));
        return "";
      case "unregister":
        discovery.unregisterService(registered.remove(args[0] + "/" + args[1]));
        return "";
      case "names":
        List<String> names = new ArrayList<>(discovery.queryForNames());
        names.sort(null);
        return String.join(" ", names);
      case "query":
        return tell(discovery.queryForInstances(args[0]));
      case "instance":
        return tell(discovery.queryForInstance(args[0], args[1]));
      case "cached":
        return tell(cache(args[0]).getInstances());
      case "pick":
        ServiceInstance<Object> picked = provider(args[0]).getInstance();
        return picked == null ? "" : picked.getId();
      default:
        throw new IllegalArgumentException("no verb " + verb);
    }
  }

  private ServiceCache<Object> cache(String name) throws Exception {
    ServiceCache<Object> cache = caches.get(name);
    if (cache == null) {
      cache = discovery.serviceCacheBuilder().name(name).build();
      cache.start();
      caches.put(name, cache);
    }
    return cache;
  }

  private ServiceProvider<Object> provider(String name) throws Exception {
    ServiceProvider<Object> provider = providers.get(name);
    if (provider == null) {
      provider = discovery.serviceProviderBuilder().serviceName(name)
          .providerStrategy(new RoundRobinStrategy<>()).build();
      provider.start();
      providers.put(name, provider);
    }
    return provider;
  }

  private static ServiceInstance<Object> parse(String[] args) throws Exception {
    // The builder's default is the address of the machine.
    ServiceInstanceBuilder<Object> b = ServiceInstance.builder().address(null);
    for (String arg : args) {
      String[] f = arg.split("=", 2);
      switch (f[0]) {
        case "name":
          b.name(f[1]);
          break;
        case "id":
          b.id(f[1]);
          break;
        case "address":
          b.address(f[1]);
          break;
        case "port":
          b.port(Integer.parseInt(f[1]));
          break;
        case "sslPort":
          b.sslPort(Integer.parseInt(f[1]));
          break;
        case "payload":
          b.payload(payload(f[1]));
          break;
        case "registrationTimeUTC":
          b.registrationTimeUTC(Long.parseLong(f[1]));
          break;
        case "serviceType":
          b.serviceType(ServiceType.valueOf(f[1]));
          break;
        case "uriSpec":
          b.uriSpec(new UriSpec(f[1]));
          break;
        case "enabled":
          b.enabled(Boolean.parseBoolean(f[1]));
          break;
        default:
          throw new IllegalArgumentException("no field " + f[0]);
      }
    }
    return b.build();
  }

  /** Returns a Payload if the text looks like one, a number, or else the text. */
  private static Object payload(String text) {
    if (text.startsWith("zone:")) {
      String[] f = text.split("[:,]");
      Payload p = new Payload();
      p.zone = f[1];
      p.weight = Integer.parseInt(f[3]);
      return p;
    }
    return text.matches("\\d+") ? (Object) Integer.valueOf(text) : text;
  }

  private static String tell(Collection<ServiceInstance<Object>> instances) {
    List<String> told = new ArrayList<>();
    for (ServiceInstance<Object> i : instances) {
      told.add(tell(i));
    }
    told.sort(null);
    return String.join(" ; ", told);
  }

  private static String tell(ServiceInstance<Object> i) {
    if (i == null) {
      return "none";
    }
    StringBuilder uri = new StringBuilder();
    if (i.getUriSpec() != null) {
      for (UriSpec.Part part : i.getUriSpec()) {
        uri.append(part.isVariable() ? "{" + part.getValue() + "}" : part.getValue());
      }
      uri.append(" uri=").append(i.buildUriSpec());
    }
    return "name=" + i.getName() + " id=" + i.getId() + " address=" + i.getAddress()
        + " port=" + i.getPort() + " sslPort=" + i.getSslPort() + " payload=" + i.getPayload()
        + " registrationTimeUTC=" + i.getRegistrationTimeUTC()
        + " serviceType=" + i.getServiceType() + " enabled=" + i.isEnabled()
        + " uriSpec=" + uri;
  }
}
