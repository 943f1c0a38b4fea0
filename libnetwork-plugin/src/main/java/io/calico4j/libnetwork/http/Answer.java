package io.calico4j.libnetwork.http;

/**
 * An answer to an HTTP request.
 *
 * @param status the HTTP status
 * @param body JSON
 */
public record Answer(int status, String body) {}
