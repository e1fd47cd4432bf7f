package evmbench

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/redline-evm/redline/jit"
)

// RunOptions says what to run. The zero value of a field means its default.
type RunOptions struct {
	Engine string             // default: the first of Engines
	Fork   jit.Fork           // the zero value is Cancun
	Alloc  types.GenesisAlloc // the state; default: empty
	To     common.Address     // the callee; default: an address of no meaning
	Code   []byte             // put at To; nil: To runs what it has
	Input  []byte
	Gas    uint64 // default: 100 million
	Runs   int    // with more than zero, measure so many runs

	Check func(*jit.Mismatch) // see jit.Config
}

const (
	gasDefault = 100_000_000
	runsMax    = 1_000_000
)

// toDefault is where code runs that has no address.
var toDefault = common.HexToAddress("0xc0de000000000000000000000000000000000000")

// RunReport is the outcome of code.
type RunReport struct {
	Case     string        `json:"case,omitempty"`
	Engine   string        `json:"engine"`
	Fork     string        `json:"fork"`
	Status   string        `json:"status"`           // success, reverted or failed
	Reason   string        `json:"reason,omitempty"` // of failed; known to our engine
	Output   hexutil.Bytes `json:"output"`
	GasUsed  uint64        `json:"gasUsed"`
	GasLeft  uint64        `json:"gasLeft"`
	Refund   uint64        `json:"refund"`
	Logs     []*Log        `json:"logs,omitempty"`
	Runs     int           `json:"runs,omitempty"`
	MedianNs int64         `json:"medianNs,omitempty"` // of Runs
}

// Log is a log as a report shows it.
type Log struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
}

// RunCode runs code.
func RunCode(opts RunOptions) (*RunReport, error) {
	c := &Case{Alloc: types.GenesisAlloc{}, Want: Want{AnyOutcome: true}}
	for addr, account := range opts.Alloc {
		c.Alloc[addr] = account
	}
	c.Message = jit.Message{
		To:    cmp.Or(opts.To, toDefault),
		Input: opts.Input,
		Gas:   cmp.Or(opts.Gas, gasDefault),
	}
	if opts.Code != nil {
		account := c.Alloc[c.Message.To]
		account.Code = opts.Code
		c.Alloc[c.Message.To] = account
	}
	return c.report(opts)
}

// RunCase runs the case at dir, with engine, fork, gas and runs from opts. The
// error says what is wrong with output or gas, if anything is; the report is
// there then, too.
func RunCase(dir string, opts RunOptions) (*RunReport, error) {
	c, err := LoadCase(dir)
	if err != nil {
		return nil, err
	}
	c.Message.Gas = cmp.Or(opts.Gas, c.Message.Gas)
	return c.report(opts)
}

func (c *Case) report(opts RunOptions) (*RunReport, error) {
	opts.Engine = cmp.Or(opts.Engine, Engines[0])
	if opts.Runs < 0 || opts.Runs > runsMax {
		return nil, fmt.Errorf("cannot measure %d runs: want 0 to %d", opts.Runs, runsMax)
	}
	m, err := newMachineOf(opts.Engine, opts.Fork, c, jit.Config{Check: opts.Check})
	if err != nil {
		return nil, err
	}
	m.prepare()
	got := m.run()
	report := &RunReport{
		Case:    c.Name,
		Engine:  opts.Engine,
		Fork:    ForkName(opts.Fork),
		Status:  got.Status.String(),
		Output:  append(hexutil.Bytes{}, got.Output...),
		GasUsed: c.Message.Gas - got.GasLeft,
		GasLeft: got.GasLeft,
		Refund:  got.Refund,
		Runs:    opts.Runs,
	}
	for _, log := range m.logs() {
		report.Logs = append(report.Logs, &Log{log.Address, log.Topics, log.Data})
	}
	if o, ok := m.(*ours); ok && o.halt > jit.Reverted {
		report.Reason = o.halt.String()
	}
	m.undo()
	if err := c.check(got); err != nil {
		return report, err
	}
	if opts.Runs > 0 {
		report.MedianNs = medianRun(m, opts.Runs).Nanoseconds()
	}
	return report, nil
}

// medianRun returns the median time of count runs.
func medianRun(m machine, count int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	times := make([]time.Duration, count)
	for i := range times {
		times[i] = timeRun(m)
	}
	return median(times)
}

// processorTimeFrom is how long a run must take to be measured in processor time,
// which is coarse to read but knows nothing of other load.
const processorTimeFrom = 100 * time.Microsecond

// timeRun measures one run without its preparation.
func timeRun(m machine) time.Duration {
	m.prepare()
	processor := ProcessorTime()
	start := time.Now()
	m.run()
	elapsed := time.Since(start)
	if elapsed >= processorTimeFrom {
		elapsed = ProcessorTime() - processor
	}
	m.undo()
	return elapsed
}

// JSON is the report as one line.
func (r *RunReport) JSON() ([]byte, error) { return json.Marshal(r) }

// String is the report as text for people.
func (r *RunReport) String() string {
	var b strings.Builder
	if r.Case != "" {
		fmt.Fprintf(&b, "case      %s\n", r.Case)
	}
	fmt.Fprintf(&b, "status    %s", r.Status)
	if r.Reason != "" {
		fmt.Fprintf(&b, " (%s)", r.Reason)
	}
	fmt.Fprintf(&b, "\noutput    %s\ngas used  %d\n", r.Output, r.GasUsed)
	if r.Refund > 0 {
		fmt.Fprintf(&b, "refund    %d\n", r.Refund)
	}
	for _, log := range r.Logs {
		fmt.Fprintf(&b, "log       %s %s %s\n", log.Address, log.Topics, log.Data)
	}
	if r.Runs > 0 {
		fmt.Fprintf(&b, "median    %d ns of %d runs (%s)\n", r.MedianNs, r.Runs, r.Engine)
	}
	return b.String()
}

// ReadBytes reads an argument that is bytes in hexadecimal after 0x, or else
// the name of a file with bytes in hexadecimal.
func ReadBytes(arg string) ([]byte, error) {
	if strings.HasPrefix(arg, "0x") {
		b, err := parseHex(arg)
		if err != nil {
			return nil, fmt.Errorf("cannot parse %.40q: %w", arg, err)
		}
		return b, nil
	}
	data, err := os.ReadFile(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read %.40q: got neither a file nor bytes that begin with 0x", arg)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read bytes: %w", err)
	}
	b, err := parseHex(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("cannot parse %q: %w", arg, err)
	}
	return b, nil
}

// ReadAlloc reads the alloc of a geth genesis file, or a file that is an alloc.
func ReadAlloc(path string) (types.GenesisAlloc, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	return ParseAlloc(data)
}

// ParseAlloc parses what ReadAlloc reads.
func ParseAlloc(data []byte) (types.GenesisAlloc, error) {
	var genesis struct {
		Alloc *types.GenesisAlloc `json:"alloc"`
	}
	if err := json.Unmarshal(data, &genesis); err != nil {
		return nil, fmt.Errorf("cannot parse the state: %w", err)
	}
	if genesis.Alloc != nil {
		return *genesis.Alloc, nil
	}
	var alloc types.GenesisAlloc
	if err := json.Unmarshal(data, &alloc); err != nil {
		return nil, fmt.Errorf("cannot parse the state as an alloc: %w", err)
	}
	return alloc, nil
}
