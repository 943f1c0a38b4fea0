package io.calico4j.core.cni;

import com.google.gson.JsonObject;
import io.calico4j.core.model.PrintableText;
import org.jspecify.annotations.Nullable;

/** A CNI operation that failed; printed as the error object of the spec. */
public class CniError extends Exception {
  /** The configuration asks for a version that is not supported. */
  public static final int INCOMPATIBLE_VERSION = 1;

  /** An environment variable is missing or invalid. */
  public static final int INVALID_ENVIRONMENT = 4;

  /** Standard input cannot be decoded. */
  public static final int CANNOT_DECODE = 6;

  /** The configuration is invalid. */
  public static final int INVALID_CONFIGURATION = 7;

  /** The same request may succeed later. */
  public static final int TRY_AGAIN = 11;

  /** STATUS: an ADD could not be served now. */
  public static final int NOT_AVAILABLE = 50;

  /** STATUS: as {@link #NOT_AVAILABLE}, and containers that exist may not be reached by all. */
  public static final int LIMITED_CONNECTIVITY = 51;

  /** Our own: addresses cannot be assigned as asked. */
  public static final int IPAM = 100;

  /** Our own: the sandbox is missing or unfit. */
  public static final int SANDBOX = 101;

  /** Our own: the kernel refused something. */
  public static final int KERNEL = 102;

  /** Our own: CHECK found a difference. */
  public static final int INCONSISTENT = 103;

  private final int code;
  private final String details;

  /**
   * Makes an error. Control characters in its texts, which may hold values from outside, are
   * escaped: callers print them into their logs.
   *
   * @param code a code of the spec, or 100 and above
   * @param message what happened and what to do
   * @param details the cause, may be empty
   */
  public CniError(int code, String message, String details) {
    super(PrintableText.of(message));
    this.code = code;
    // What an exception without a message is printed as.
    this.details = details.equals("null") ? "" : PrintableText.of(details);
  }

  /** Returns the code. */
  public int code() {
    return code;
  }

  /** Returns the cause; may be empty. */
  String details() {
    return details;
  }

  /** Prints the error object; the version is the caller's, or null when it sent none. */
  public String toJson(@Nullable String cniVersion) {
    JsonObject json = new JsonObject();
    if (cniVersion != null) {
      json.addProperty("cniVersion", cniVersion);
    }
    json.addProperty("code", code);
    json.addProperty("msg", getMessage());
    if (!details.isEmpty()) {
      json.addProperty("details", details);
    }
    return json.toString();
  }
}
