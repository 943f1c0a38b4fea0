package io.calico4j.calicoctl;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/** The manual pages of all commands, in AsciiDoc, from the command line's own model. */
final class ManualPages {
  private ManualPages() {}

  /** Writes them to a directory. */
  public static void main(String[] arguments) throws IOException {
    Path directory = Files.createDirectories(Path.of(arguments[0]));
    for (Map.Entry<String, String> page : pages().entrySet()) {
      Files.writeString(directory.resolve(page.getKey() + ".adoc"), page.getValue());
    }
  }

  /** Returns the text of each command's page, by the page's name such as calicoctl-node-run. */
  static Map<String, String> pages() {
    Map<String, String> pages = new TreeMap<>();
    add(CalicoctlMain.commandLine(MemoryDatastore::new, Map.of()), pages);
    return pages;
  }

  private static void add(CommandLine line, Map<String, String> pages) {
    CommandSpec spec = line.getCommandSpec();
    StringWriter text = new StringWriter();
    PrintWriter writer = new PrintWriter(text);
    ManPageGenerator.writeSingleManPage(writer, spec);
    writer.flush();
    pages.put(spec.qualifiedName("-"), text.toString());
    line.getSubcommands().values().forEach(subcommand -> add(subcommand, pages));
  }
}
