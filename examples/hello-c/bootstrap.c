/* A Lambda runtime and its function in C: fetch an event from the Runtime API, answer it, and again. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST_EVENT = 6291456 + 16384 }; /* Lambda's quota, and room for the header before it */

static char answer[LARGEST_EVENT + 1];
static char request_id[64];

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, errno != 0 ? strerror(errno) : "not understood");
  exit(1);
}

static int connect_to_runtime_api(void) {
  char host[64];
  unsigned short port;
  const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
  if (address == NULL || sscanf(address, "%63[^:]:%hu", host, &port) != 2) fail("AWS_LAMBDA_RUNTIME_API");
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &name.sin_addr);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&name, sizeof name) < 0) fail("connect");
  return connection;
}

/* The value of a header, up to the end of its line; NULL when it isn't there. */
static char *header(char *name) {
  char *found = strcasestr(answer, name);
  return found == NULL ? NULL : found + strlen(name);
}

/* One HTTP exchange. Gives the answer's body; its request id, if it has one, is kept. */
static char *request(const char *method, const char *path, const char *body) {
  int connection = connect_to_runtime_api();
  dprintf(connection, "%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: runtime\r\nConnection: close\r\n", method, path);
  dprintf(connection, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
  size_t size = 0;
  ssize_t count;
  while ((count = read(connection, answer + size, LARGEST_EVENT - size)) > 0) size += (size_t)count;
  if (count < 0) fail("read");
  close(connection);
  answer[size] = '\0';
  char *end_of_header = strstr(answer, "\r\n\r\n");
  if (end_of_header == NULL) fail("the Runtime API's answer");
  *end_of_header = '\0';
  char *id = header("\r\nLambda-Runtime-Aws-Request-Id: ");
  if (id != NULL) sscanf(id, "%63[^\r]", request_id);
  return end_of_header + 4;
}

int main(void) {
  for (;;) {
    char path[128], *event = request("GET", "next", ""), *result;
    puts("somebody is here");
    fflush(stdout);
    if (asprintf(&result, "{\"greeting\": \"Hello from C\", \"event\": %s}", event) < 0) fail("asprintf");
    snprintf(path, sizeof path, "%s/response", request_id);
    request("POST", path, result);
    free(result);
  }
}
