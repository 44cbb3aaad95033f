// Tomcat with its defaults: what it runs for a request, it says in the answer. Ends when its input ends.
// java -cp JARS tomcat-upstream.java FOLDER
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

class TomcatUpstream {
  static void run(Context context, String name, Predicate<HttpServletRequest> takes, String... mappings) {
    Tomcat.addServlet(context, name, new HttpServlet() {
      @Override
      protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.getInputStream().transferTo(OutputStream.nullOutputStream());
        if (takes.test(request)) response.setHeader("x-executed", name);
        else response.setStatus(404);
      }
    });
    for (String mapping : mappings) context.addServletMappingDecoded(mapping, name);
  }

  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("org.apache").setLevel(Level.OFF);
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(arguments[0]);
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    Context context = tomcat.addContext("", null);
    run(context, "transfer", request -> request.getMethod().equals("POST"), "/v1/accounts:transfer");
    run(context, "chinese", request -> true, "/\u652f\u4ed8/\u8f6c\u8d26");
    run(context, "pay", request -> request.getMethod().equals("POST"), "/v1/pay");
    run(context, "query", request -> request.getMethod().matches("GET|HEAD"), "/v1/query");
    run(context, "fund", request -> true, "/v1/fund/*");
    run(context, "vault", request -> request.getServerName().equalsIgnoreCase("pay.bank.test"), "/v1/vault");
    run(context, "role", request -> "user".equals(request.getHeader("x-role")), "/v1/role");
    tomcat.start();
    System.out.println(tomcat.getConnector().getLocalPort());
    System.in.transferTo(OutputStream.nullOutputStream());
    System.exit(0);
  }
}
