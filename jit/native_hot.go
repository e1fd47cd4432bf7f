package jit

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
)

// With NativeOn code is compiled when it is hot: when the interpreter has spent
// much gas in it, for its size. Workers in the background do it; they are started
// when there is work and end when there is none, so that an engine needs no
// closing. Code is asked for once: what the compiler rejects stays with the
// interpreter as long as the cache keeps it.

// Bounds of compiling in the background.
const (
	hotGasBase      = 100_000   // gas after which code is hot,
	hotGasPerByte   = 64        // and more for each byte of it
	hotBytesMax     = 512 << 10 // of bytecode; larger code is not compiled
	hotQueueMax     = 256       // codes that wait
	coresForAWorker = 4         // processors for each worker; there is one at least
)

// hotness is what is known of how hot a code is.
type hotness struct {
	key       codeKey
	threshold uint64 // gas
	spent     atomic.Uint64
	asked     atomic.Bool // it was given to the compiler
}

// newHotness returns the hotness of code that may become hot, else nil.
func (t *nativeTier) newHotness(key codeKey, size int) *hotness {
	if t.memory == nil || t.setting != NativeOn {
		return nil
	}
	if size > hotBytesMax {
		t.rejected.Add(1)
		return nil
	}
	return &hotness{key: key, threshold: hotGasBase + hotGasPerByte*uint64(size)}
}

// add adds gas spent. It reports true once, when the code becomes hot.
func (h *hotness) add(gas uint64) bool {
	return h.spent.Add(gas) >= h.threshold && h.asked.CompareAndSwap(false, true)
}

// runCounted is run for code that may become hot.
func (f *frame) runCounted() Halt {
	before := f.gas
	halt := f.run()
	if hot := f.code.hot; before > f.gas && hot.add(before-f.gas) {
		f.evm.engine.compileLater(f.code, f.bytecode)
	}
	return halt
}

// compileJob is a code to compile.
type compileJob struct {
	code     *code
	bytecode []byte
}

// compileQueue holds the jobs of the workers.
type compileQueue struct {
	mu struct {
		sync.Mutex
		jobs    []compileJob
		workers int
	}
}

// compileLater has a worker compile code. If too many wait already it is asked for
// again later.
func (e *Engine) compileLater(code *code, bytecode []byte) {
	q := &e.native.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.mu.jobs) == hotQueueMax {
		e.native.dropped.Add(1)
		code.hot.asked.Store(false)
		return
	}
	q.mu.jobs = append(q.mu.jobs, compileJob{code, bytes.Clone(bytecode)})
	if q.mu.workers < max(1, runtime.GOMAXPROCS(0)/coresForAWorker) {
		q.mu.workers++
		go e.work()
	}
}

// next returns the next job; without one the worker ends.
func (q *compileQueue) next() (compileJob, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.mu.jobs) == 0 {
		q.mu.jobs = nil
		q.mu.workers--
		return compileJob{}, false
	}
	job := q.mu.jobs[0]
	q.mu.jobs = q.mu.jobs[1:]
	return job, true
}

// work compiles until there is nothing more to compile.
func (e *Engine) work() {
	var c nativeCompiler
	for {
		job, ok := e.native.queue.next()
		if !ok {
			return
		}
		key := job.code.hot.key
		if native := c.compile(&e.native, job.bytecode, key.fork); native != nil && e.check.trusts(key) {
			e.codes.attach(key, job.code, native)
		}
	}
}
