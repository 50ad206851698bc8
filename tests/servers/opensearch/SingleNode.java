import java.io.IOException;
import java.util.List;
import java.util.Map;

import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/**
 * OpenSearch out of the jars on the class path: what the server's own start-up adds is checks of the machine and a
 * security manager, which nobody needs to try searches on loopback. Arguments are its own: -Ename=value.
 */
final class SingleNode extends Node {
    private SingleNode(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class), false);
    }

    public static void main(String[] arguments) throws Exception {
        Node node = new SingleNode(environment(arguments));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
        Thread.currentThread().join(); // the node's own threads do not keep the process alive
    }

    private static Environment environment(String[] arguments) {
        Settings.Builder settings = Settings.builder();
        for (String argument : arguments) {
            String[] pair = argument.split("=", 2);
            if (!argument.startsWith("-E") || pair.length < 2) {
                throw new IllegalArgumentException(argument + " is not -Ename=value");
            }
            settings.put(pair[0].substring(2), pair[1]);
        }
        settings.put("path.home", settings.get("path.data"));
        return InternalSettingsPreparer.prepareEnvironment(settings.build(), Map.of(), null, () -> "node");
    }

    private static void close(Node node) {
        try {
            node.close();
        } catch (IOException error) {
            error.printStackTrace();
        }
    }
}
