import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Creates a task from the body on standard input, waits for it, and tries to cancel it. */
public class Query {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] args) throws Exception {
        String base = args[0];
        String key = args[1];
        byte[] body = System.in.readAllBytes();
        HttpResponse<String> created = send(request(
                base + "/services/aigc/image2image/image-synthesis", key)
                .header("X-DashScope-Async", "enable")
                .header("Content-Type", "application/json; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
        System.out.println(created.statusCode() + " " + kind(created));
        String task = base + "/tasks/" + field(created.body(), "task_id");
        HttpResponse<String> answer = send(request(task, key).GET());
        System.out.println(answer.statusCode() + " " + kind(answer));
        for (int i = 0; i < 600 && field(answer.body(), "task_status").matches("PENDING|RUNNING"); i++) {
            Thread.sleep(50);
            answer = send(request(task, key).GET());
        }
        System.out.println(answer.statusCode() + " " + field(answer.body(), "task_status"));
        HttpResponse<String> cancelled = send(request(task + "/cancel", key)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.noBody()));
        System.out.println(cancelled.statusCode() + " " + field(cancelled.body(), "code"));
        String url = field(answer.body(), "url");
        HttpResponse<byte[]> picture = CLIENT.send(
                HttpRequest.newBuilder(URI.create(url)).build(),
                HttpResponse.BodyHandlers.ofByteArray());
        System.out.println(picture.statusCode() + " " + kind(picture) + " " + url);
    }

    private static HttpRequest.Builder request(String url, String key) {
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + key);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return CLIENT.send(
                request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    private static String kind(HttpResponse<?> response) {
        return response.headers().firstValue("content-type").orElse("none").split(";")[0];
    }

    private static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }
}
