package io.calico4j.core.kernel;

/** The kernel refused a request: says which operation, on which object, and why. */
public class KernelException extends Exception {
  /** errno: no such file or namespace. */
  public static final int ENOENT = 2;

  /** errno: no such process; for a route, "not there". */
  public static final int ESRCH = 3;

  /** errno: input or output failed. */
  public static final int EIO = 5;

  /** errno: exists already. */
  public static final int EEXIST = 17;

  /** errno: no such device. */
  public static final int ENODEV = 19;

  /** errno: the kernel has no such feature. */
  public static final int EOPNOTSUPP = 95;

  /** errno: cannot assign the address; for an address, "not there". */
  public static final int EADDRNOTAVAIL = 99;

  private final int errno;

  /**
   * Makes an exception such as {@code add route 10.0.0.1/32 on cali12: EEXIST (File exists)}.
   *
   * @param operation what was attempted, in words
   * @param object on what
   * @param errno the kernel's number, positive; 0 when the failure is not the kernel's
   * @param reason the errno's name and text
   */
  public KernelException(String operation, String object, int errno, String reason) {
    super(operation + " " + object + ": " + reason);
    this.errno = errno;
  }

  /** Returns the errno, positive, or 0. */
  public int errno() {
    return errno;
  }
}
