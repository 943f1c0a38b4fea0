package io.calico4j.testbed;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Numbered UDP packets from one sandbox to another for as long as it is open: many to a port that
 * policy forbids, of which the other end tells those that arrive, and {@value #PERMITTED} a second
 * to ports that it permits, each of which the other end sends back. Of these every other one comes
 * from a port of its own, so that policy is asked about it; the others belong to one connection.
 */
final class PacketStreams implements AutoCloseable {
  /** Where nothing may arrive. */
  static final int FORBIDDEN = 7000;

  /** Where packets of new connections arrive. */
  static final int FRESH = 7001;

  /** Where the packets of a known connection arrive. */
  static final int KNOWN = 7002;

  private static final int PERMITTED = 200;

  private static final int SECONDS = 1;
  private static final long LONG_NANOS = 200_000_000;
  private static final String PYTHON = "/usr/bin/python3";

  /** Answers each line of its input; option 33 is SO_RCVBUFFORCE, which only root has. */
  private static final String RECEIVE =
      """
      import json,select,socket,struct,sys
      def bound(port):
        s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
        try: s.setsockopt(socket.SOL_SOCKET,33,1<<22)
        except OSError: s.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,1<<22)
        s.setblocking(False); s.bind(('0.0.0.0',port)); return s
      forbidden,*permitted=[bound(int(p)) for p in sys.argv[1:]]
      count=0; first=[]
      def drain(s):
        while True:
          try: yield s.recvfrom(99)
          except BlockingIOError: return
      print('{}',flush=True)
      while True:
        ready,_,_=select.select([forbidden,*permitted,sys.stdin],[],[])
        for s in permitted:
          for text,source in drain(s): s.sendto(text,source)
        for text,source in drain(forbidden):
          count+=1
          if len(first)<5: first.append(struct.unpack('!QQ',text)[1])
        if sys.stdin in ready:
          if not sys.stdin.readline(): break
          print(json.dumps({'count':count,'first':first}),flush=True); count=0; first=[]
      """;

  /**
   * Sends what is due, a few packets at most after it was not scheduled, and answers each line of
   * its input; after {@code forget} it waits for none of the packets it has sent.
   */
  private static final String SEND =
      """
      import json,resource,select,socket,struct,sys,time
      server,rate,every=sys.argv[1],int(sys.argv[2]),int(sys.argv[2])//int(sys.argv[3])
      forbidden,fresh,known=[(server,int(p)) for p in sys.argv[4:]]
      resource.setrlimit(resource.RLIMIT_NOFILE,(resource.getrlimit(resource.RLIMIT_NOFILE)[1],)*2)
      def udp():
        s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setblocking(False); return s
      poll=select.epoll(); poll.register(0,select.EPOLLIN)
      f=udp(); k=udp(); poll.register(k,select.EPOLLIN)
      waiting={}; sockets={}; sent=0; permitted=0; period=10**9//rate; start=time.monotonic_ns()
      def send(s,number,to):
        now=time.monotonic_ns()
        try: s.sendto(struct.pack('!QQ',number,now),to)
        except OSError: pass
        return now
      print('{}',flush=True)
      while True:
        due=(time.monotonic_ns()-start)//period
        if due-sent>50: start+=(due-sent-50)*period
        for _ in range(min(due-sent,50)):
          send(f,sent,forbidden); sent+=1
          if sent%every==0:
            permitted+=1
            if permitted%2: s=udp(); sockets[s.fileno()]=s; poll.register(s,select.EPOLLIN); to=fresh
            else: s=k; to=known
            waiting[permitted]=[send(s,permitted,to),to[1]]
        for fd,_ in poll.poll(min(0.0005,1/rate)):
          if fd==0:
            line=sys.stdin.readline()
            if not line: sys.exit()
            print(json.dumps({'sent':sent,'permitted':permitted,
              'waiting':[[n,*w] for n,w in waiting.items()]}),flush=True)
            if line.startswith('forget'):
              waiting.clear()
              for s in sockets.values(): s.close()
              sockets.clear()
          else:
            s=sockets.pop(fd,k)
            try: waiting.pop(struct.unpack('!QQ',s.recv(99))[0],None)
            except OSError: pass
            if s is not k: s.close()
      """;

  private final End sender;
  private final End receiver;

  /**
   * Starts both ends; from now on packets flow.
   *
   * @param rate forbidden packets in a second
   */
  PacketStreams(Workload from, Workload to, int rate) throws IOException {
    receiver = new End(to, RECEIVE, "" + FORBIDDEN, "" + FRESH, "" + KNOWN);
    sender =
        new End(
            from,
            SEND,
            to.address(),
            "" + rate,
            "" + PERMITTED,
            "" + FORBIDDEN,
            "" + FRESH,
            "" + KNOWN);
  }

  /** A program that answers lines. */
  private static final class End {
    private final Process process;
    private final PrintWriter to;
    private final BufferedReader from;

    End(Workload in, String program, String... arguments) throws IOException {
      List<String> command = new ArrayList<>(List.of(PYTHON, "-c", program));
      command.addAll(List.of(arguments));
      process =
          new ProcessBuilder(in.sandbox().enter(command))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      to = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
      from = process.inputReader(StandardCharsets.UTF_8);
      JsonObject unused = answer();
    }

    JsonObject ask(String line) throws IOException {
      to.println(line);
      return answer();
    }

    private JsonObject answer() throws IOException {
      String line = from.readLine();
      if (line == null) {
        throw new IOException("an end of the streams has ended");
      }
      return JsonParser.parseString(line).getAsJsonObject();
    }
  }

  /**
   * A packet.
   *
   * @param sent when it was sent, by the clock of {@link System#nanoTime}
   * @param port to where
   */
  record Packet(long sent, int port) {}

  /** Returns how many forbidden packets have been sent. */
  long sent() throws IOException {
    return sender.ask("tell").get("sent").getAsLong();
  }

  /**
   * Returns the permitted packets of those sent by now that are lost: none as soon as all of them
   * have come back. What was sent before one that came back has arrived by then, if it ever does.
   */
  List<Packet> lost() throws IOException {
    long last = sender.ask("tell").get("permitted").getAsLong();
    List<Packet> lost = new ArrayList<>();
    try {
      Await.until(
          "permitted packets come back",
          SECONDS,
          () -> {
            lost.clear();
            JsonArray waiting = sender.ask("tell").getAsJsonArray("waiting");
            for (JsonElement each : waiting) {
              JsonArray packet = each.getAsJsonArray();
              if (packet.get(0).getAsLong() <= last) {
                lost.add(new Packet(packet.get(1).getAsLong(), packet.get(2).getAsInt()));
              }
            }
            return lost.isEmpty();
          });
    } catch (IOException e) {
      if (lost.isEmpty()) {
        throw e;
      }
    }
    return lost;
  }

  /** Waits until a permitted packet has not come back for a while. */
  void awaitLoss() throws IOException {
    Await.until(
        "a permitted packet is lost",
        SECONDS,
        () -> {
          JsonArray waiting = sender.ask("tell").getAsJsonArray("waiting");
          return !waiting.isEmpty()
              && waiting.get(0).getAsJsonArray().get(1).getAsLong()
                  < System.nanoTime() - LONG_NANOS;
        });
  }

  /** Gives up the permitted packets that have not come back. */
  void forgetLost() throws IOException {
    JsonObject unused = sender.ask("forget");
  }

  /** Returns the first forbidden packets that have arrived since the last call. */
  List<Packet> leaked() throws IOException {
    List<Packet> leaked = new ArrayList<>();
    for (JsonElement sent : receiver.ask("tell").getAsJsonArray("first")) {
      leaked.add(new Packet(sent.getAsLong(), FORBIDDEN));
    }
    return leaked;
  }

  @Override
  public void close() throws IOException {
    Await.killed(sender.process);
    Await.killed(receiver.process);
  }
}
