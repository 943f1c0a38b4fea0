package io.calico4j.felix.dataplane.nft;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;

/** nftables through libnftables.so.1, in the network namespace of this process. */
public final class LibNftables implements Nft, NftListing {
  private static final int NFT_CTX_DEFAULT = 0;

  /** {@code NFT_CTX_OUTPUT_HANDLE} of {@code nftables/libnftables.h}. */
  private static final int WITH_HANDLES = 1 << 3;

  /** {@code NFT_CTX_OUTPUT_JSON} of {@code nftables/libnftables.h}. */
  private static final int AS_JSON = 1 << 4;

  private final Library library;
  private final Pointer context;
  private boolean closed;

  /** The functions of {@code nftables/libnftables.h}. */
  public interface Library {
    /** Makes a context. */
    Pointer nft_ctx_new(int flags);

    /** Frees a context. */
    void nft_ctx_free(Pointer context);

    /** Keeps output for {@link #nft_ctx_get_output_buffer}. */
    int nft_ctx_buffer_output(Pointer context);

    /** Keeps error text for {@link #nft_ctx_get_error_buffer}. */
    int nft_ctx_buffer_error(Pointer context);

    /** Returns the output of the last command. */
    String nft_ctx_get_output_buffer(Pointer context);

    /** Returns the error text of the last command. */
    String nft_ctx_get_error_buffer(Pointer context);

    /** Chooses the form of the output. */
    void nft_ctx_output_set_flags(Pointer context, int flags);

    /** Lets commands be checked only, or run again. */
    void nft_ctx_set_dry_run(Pointer context, boolean dry);

    /** Runs commands as one transaction; 0 when all was done. */
    int nft_run_cmd_from_buffer(Pointer context, String commands);
  }

  /** Loads the library. */
  public LibNftables() {
    library = LibraryLoader.create(Library.class).load("libnftables.so.1");
    context = library.nft_ctx_new(NFT_CTX_DEFAULT);
    library.nft_ctx_buffer_output(context);
    library.nft_ctx_buffer_error(context);
    library.nft_ctx_output_set_flags(context, WITH_HANDLES | AS_JSON);
  }

  @Override
  public synchronized String list(String command) throws NftException {
    run(command);
    String output = library.nft_ctx_get_output_buffer(context);
    return output == null ? "" : output;
  }

  @Override
  public synchronized void run(String commands) throws NftException {
    if (closed) {
      throw new NftException("the nftables context is closed");
    }
    if (library.nft_run_cmd_from_buffer(context, commands) != 0) {
      String error = library.nft_ctx_get_error_buffer(context);
      throw new NftException(error == null || error.isEmpty() ? "refused" : error);
    }
  }

  @Override
  public synchronized void check(String commands) throws NftException {
    library.nft_ctx_set_dry_run(context, true);
    try {
      run(commands);
    } finally {
      library.nft_ctx_set_dry_run(context, false);
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      library.nft_ctx_free(context);
    }
  }
}
