#include "pool.h"

#include "kernels.h"

// libgomp's entry points. The compiler of the Swift toolchain would lower OpenMP pragmas to another
// run-time, and two pools that spin fight for the cores.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
void omp_set_num_threads(int count);

// Whether this thread is inside `sl_run_workers`.
static _Thread_local int worker;

int sl_is_worker(void) { return worker; }

int sl_threads(void) {
  if (worker) return 1;
  int count = omp_get_max_threads();
  return count < SL_MOST_THREADS ? count : SL_MOST_THREADS;
}

void sl_set_threads(int count) {
  if (!worker) omp_set_num_threads(count);
}

typedef struct {
  sl_body body;
  void *job;
  size_t count, grain;
  int parts;
} region;

static void run_part(void *data) {
  const region *r = data;
  // Fewer threads than asked for still do all parts.
  for (int part = omp_get_thread_num(); part < r->parts; part += omp_get_num_threads()) {
    size_t grains = (r->count + r->grain - 1) / r->grain;
    size_t begin = grains * (size_t)part / (size_t)r->parts * r->grain;
    size_t end = grains * (size_t)(part + 1) / (size_t)r->parts * r->grain;
    if (end > r->count) end = r->count;
    if (begin < end) r->body(r->job, begin, end, part);
  }
}

int sl_parts(size_t count, size_t grain) {
  size_t grains = (count + grain - 1) / grain;
  size_t threads = (size_t)sl_threads();
  return (int)(grains < threads ? (grains ? grains : 1) : threads);
}

void sl_parallel(sl_body body, void *job, size_t count, size_t grain) {
  region r = {body, job, count, grain, sl_parts(count, grain)};
  if (r.parts == 1) {
    body(job, 0, count, 0);
  } else {
    GOMP_parallel(run_part, &r, (unsigned)r.parts, 0);
  }
}

typedef struct {
  void (*body)(void *context, int part);
  void *context;
  int count, next;
} crew;

static void work(void *data) {
  crew *c = data;
  const int outside = worker, threads = omp_get_max_threads();
  // For libraries that ask libgomp, not `sl_threads`.
  omp_set_num_threads(1);
  worker = 1;
  for (int part; (part = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->count;) {
    c->body(c->context, part);
  }
  worker = outside;
  omp_set_num_threads(threads);
}

void sl_run_workers(void (*body)(void *context, int part), void *context, int count) {
  crew c = {body, context, count, 0};
  const int threads = sl_threads() < count ? sl_threads() : count;
  if (threads > 1) {
    GOMP_parallel(work, &c, (unsigned)threads, 0);
  } else {
    work(&c);
  }
}
