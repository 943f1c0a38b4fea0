package io.calico4j.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.byref.IntByReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs a program and tells how long it took, from posix_spawn(3) to waitpid(2). Java's own process
 * start lists the child's descriptors between fork and exec and hears of its end on another thread:
 * half a millisecond that no runtime has, as much as a third of what an empty process takes.
 */
final class TimedProcess {
  private static final int O_RDONLY = 0;
  private static final int O_WRONLY_CREAT_TRUNC = 1 | 0100 | 01000;
  private static final int MODE = 0600;
  private static final int STDIN = 0;
  private static final int STDOUT = 1;
  private static final int STDERR = 2;

  /** sizeof(posix_spawn_file_actions_t) is 80 in glibc for x86-64 and 64-bit Arm. */
  private static final int FILE_ACTIONS_SIZE = 256;

  /** The C library's functions, by their names there. */
  @SuppressWarnings("checkstyle:MethodName")
  public interface Spawning {
    /** See posix_spawn(3). */
    int posix_spawn(
        IntByReference pid,
        String path,
        Pointer fileActions,
        @Nullable Pointer attributes,
        Pointer arguments,
        Pointer environment);

    /** See posix_spawn_file_actions_init(3). */
    int posix_spawn_file_actions_init(Pointer fileActions);

    /** See posix_spawn_file_actions_addopen(3). */
    int posix_spawn_file_actions_addopen(
        Pointer fileActions, int descriptor, String path, int flags, int mode);

    /** See posix_spawn_file_actions_adddup2(3). */
    int posix_spawn_file_actions_adddup2(Pointer fileActions, int from, int to);

    /** See posix_spawn_file_actions_addclosefrom_np(3), since glibc 2.34. */
    int posix_spawn_file_actions_addclosefrom_np(Pointer fileActions, int first);

    /** See posix_spawn_file_actions_destroy(3). */
    int posix_spawn_file_actions_destroy(Pointer fileActions);

    /** See waitpid(2). */
    int waitpid(int pid, IntByReference status, int options);
  }

  private static final Spawning libc = LibraryLoader.create(Spawning.class).load("c");
  private static final Runtime runtime = Runtime.getRuntime(libc);

  private final String program;
  private final Pointer fileActions;
  private final Strings arguments;
  private final Strings environment;
  private final Path output;

  /** The process's environment is this one's with the variables added. */
  TimedProcess(List<String> command, Map<String, String> variables, Path input, Path output)
      throws IOException {
    this.program = command.get(0);
    this.output = output;
    this.arguments = new Strings(command);
    Map<String, String> all = new TreeMap<>(System.getenv());
    all.putAll(variables);
    this.environment =
        new Strings(all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
    this.fileActions = Memory.allocateDirect(runtime, FILE_ACTIONS_SIZE, true);
    succeed(libc.posix_spawn_file_actions_init(fileActions));
    succeed(
        libc.posix_spawn_file_actions_addopen(fileActions, STDIN, input.toString(), O_RDONLY, 0));
    succeed(
        libc.posix_spawn_file_actions_addopen(
            fileActions, STDOUT, output.toString(), O_WRONLY_CREAT_TRUNC, MODE));
    succeed(libc.posix_spawn_file_actions_adddup2(fileActions, STDOUT, STDERR));
    succeed(libc.posix_spawn_file_actions_addclosefrom_np(fileActions, STDERR + 1));
  }

  /**
   * Runs it once.
   *
   * @return nanoseconds
   * @throws IOException when it cannot be started or does not end with status 0; says what it wrote
   */
  long run() throws IOException {
    IntByReference pid = new IntByReference();
    IntByReference status = new IntByReference();
    long start = System.nanoTime();
    int error =
        libc.posix_spawn(pid, program, fileActions, null, arguments.pointers, environment.pointers);
    int ended = error == 0 ? libc.waitpid(pid.intValue(), status, 0) : -1;
    long took = System.nanoTime() - start;
    succeed(libc.posix_spawn_file_actions_destroy(fileActions));
    succeed(error);
    if (ended != pid.intValue() || status.intValue() != 0) {
      throw new IOException(
          program + ": wait status " + status.intValue() + ": " + Files.readString(output));
    }
    return took;
  }

  private void succeed(int error) throws IOException {
    if (error != 0) {
      throw new IOException(program + ": errno " + error);
    }
  }

  /** An array of C strings that ends with NULL, and what it points to. */
  private static final class Strings {
    final Pointer pointers;
    private final Pointer[] texts;

    Strings(List<String> strings) {
      texts = new Pointer[strings.size()];
      pointers = Memory.allocateDirect(runtime, (strings.size() + 1) * runtime.addressSize(), true);
      for (int i = 0; i < texts.length; i++) {
        byte[] text = strings.get(i).getBytes(StandardCharsets.UTF_8);
        texts[i] = Memory.allocateDirect(runtime, text.length + 1, true);
        texts[i].put(0, text, 0, text.length);
        pointers.putPointer((long) i * runtime.addressSize(), texts[i]);
      }
    }
  }
}
