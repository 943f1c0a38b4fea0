package io.calico4j.core.datastore;

import org.slf4j.Logger;

/**
 * Something that is done again and again, and fails for a while: its log has one line when that
 * begins and one when it is over, whatever the reasons were in between. A datastore that is not
 * reached is no reason of its own: its client tells of it. Safe for many threads.
 */
public final class Trouble {
  private final Logger log;
  private final String what;
  private boolean told;

  /**
   * Makes one that has not begun.
   *
   * @param what is wrong while it fails, such as {@code empty blocks are not given back}
   */
  public Trouble(Logger log, String what) {
    this.log = log;
    this.what = what;
  }

  /** Notes a failure. */
  public synchronized void failed(Exception why) {
    if (told || UnreachableException.isReasonOf(why)) {
      log.debug("{}: {}", what, why.toString());
    } else {
      told = true;
      log.warn("{} now, it is tried again: {}", what, reason(why));
    }
  }

  private static String reason(Exception why) {
    return why instanceof DatastoreException ? String.valueOf(why.getMessage()) : why.toString();
  }

  /** Notes that it was done. */
  public synchronized void done() {
    if (told) {
      told = false;
      log.info("it is over that {}", what);
    }
  }
}
