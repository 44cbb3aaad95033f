// The JDK's own server: what it runs for a request, it says in the answer. Ends when its input ends.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

class JdkUpstream {
  static HttpServer server;

  /** A context takes every path that begins with its own, within a segment too: the code behind it looks again. */
  static void run(String name, String path, boolean below, Predicate<HttpExchange> takes) {
    server.createContext(path, exchange -> {
      exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
      String asked = exchange.getRequestURI().getPath();
      boolean taken = (asked.equals(path) || (below && asked.startsWith(path + "/"))) && takes.test(exchange);
      if (taken) exchange.getResponseHeaders().set("x-executed", name);
      exchange.sendResponseHeaders(taken ? 200 : 404, -1);
      exchange.close();
    });
  }

  static Predicate<HttpExchange> method(String wanted) {
    return exchange -> exchange.getRequestMethod().equals(wanted);
  }

  static Predicate<HttpExchange> header(String name, String wanted) {
    return exchange -> wanted.equalsIgnoreCase(exchange.getRequestHeaders().getFirst(name));
  }

  public static void main(String[] arguments) throws Exception {
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    run("transfer", "/v1/accounts:transfer", false, method("POST"));
    run("chinese", "/\u652f\u4ed8/\u8f6c\u8d26", false, exchange -> true);
    run("pay", "/v1/pay", false, method("POST"));
    run("query", "/v1/query", false, method("GET"));
    run("fund", "/v1/fund", true, exchange -> true);
    run("vault", "/v1/vault", false, header("host", "pay.bank.test"));
    run("role", "/v1/role", false, header("x-role", "user"));
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.start();
    System.out.println(server.getAddress().getPort());
    System.in.transferTo(OutputStream.nullOutputStream());
    System.exit(0);
  }
}
