package program

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Categories of flags in --help.
const (
	CategoryChain   = "CHAIN"
	categoryRPC     = "JSON-RPC"
	categoryEngine  = "ENGINE"
	categoryMachine = "MACHINE"
	categoryMetrics = "METRICS"
	categoryLog     = "LOG"
)

// Names of the flags that both programs have. Where go-ethereum has the flag,
// the name is its.
const (
	DataDirFlag     = "datadir"
	GenesisFlag     = "genesis"
	HistoryFlag     = "history.state"
	DurabilityFlag  = "durability"
	HTTPAddrFlag    = "http.addr"
	HTTPPortFlag    = "http.port"
	HTTPAPIFlag     = "http.api"
	HTTPCORSFlag    = "http.corsdomain"
	WSAddrFlag      = "ws.addr"
	WSPortFlag      = "ws.port"
	GasCapFlag      = "rpc.gascap"
	JITFlag         = "jit"
	JITCheckFlag    = "jit-check"
	CPUsFlag        = "cpus"
	GCFlag          = "gc"
	NUMAFlag        = "memory.numa"
	LockFlag        = "memory.lock"
	PrefaultFlag    = "memory.prefault"
	MetricsFlag     = "metrics"
	MetricsAddrFlag = "metrics.addr"
	MetricsPortFlag = "metrics.port"
	VerbosityFlag   = "verbosity"
	LogFormatFlag   = "log.format"
	ConfigFlag      = "config"
	JSONFlag        = "json"
)

// Ports are the default ports of a program.
type Ports struct{ HTTP, WS, Metrics int }

// EnvPrefix begins the names of all environment variables that are flags.
const EnvPrefix = "REDLINE_"

// EnvVar is the environment variable of a flag: REDLINE_HTTP_PORT for
// --http.port.
func EnvVar(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// String is a flag whose value may also come from the environment or the
// configuration file, like those of Int, Uint64 and Bool.
func String(category, name, value, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Value: value, Usage: usage, Category: category, EnvVars: []string{EnvVar(name)}}
}

// Int is like String.
func Int(category, name string, value int, usage string) *cli.IntFlag {
	return &cli.IntFlag{Name: name, Value: value, Usage: usage, Category: category, EnvVars: []string{EnvVar(name)}}
}

// Uint64 is like String.
func Uint64(category, name string, value uint64, usage string) *cli.Uint64Flag {
	return &cli.Uint64Flag{Name: name, Value: value, Usage: usage, Category: category, EnvVars: []string{EnvVar(name)}}
}

// Bool is like String.
func Bool(category, name string, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, Category: category, EnvVars: []string{EnvVar(name)}}
}

// DataDir is the flag that says where a node keeps its chain.
func DataDir(value string) cli.Flag {
	return String(CategoryChain, DataDirFlag, value, "folder that holds the chain")
}

// Genesis is the flag that names the genesis file.
func Genesis(usage string) cli.Flag {
	return String(CategoryChain, GenesisFlag, "", usage)
}

// History is the flag that says of how many EVM blocks the state is kept.
func History(value uint64) cli.Flag {
	return Uint64(CategoryChain, HistoryFlag, value, "recent EVM blocks whose state is kept for calls and reads, one a second; 0 is all")
}

// Durability is the flag that says when the node shows a record.
func Durability(value string) cli.Flag {
	return String(CategoryChain, DurabilityFlag, value, "when to show and pass on a mini-block: wal, once it is on the disk, or async, at once; then a crash can lose the newest")
}

// DefaultDataDir is a folder below the user's home.
func DefaultDataDir(program string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".redline", program)
}

// NodeFlags are the flags of every command that runs a node.
func NodeFlags(ports Ports) []cli.Flag {
	return append(LogFlags(),
		String(categoryRPC, HTTPAddrFlag, "127.0.0.1", "address to serve JSON-RPC on (HTTP and WebSocket)"),
		Int(categoryRPC, HTTPPortFlag, ports.HTTP, "port for JSON-RPC; 0 picks a free one"),
		String(categoryRPC, HTTPAPIFlag, "", "JSON-RPC namespaces to serve, separated by commas (default: all)"),
		String(categoryRPC, HTTPCORSFlag, "*", "origins that browsers may call from (HTTP and WebSocket), separated by commas"),
		String(categoryRPC, WSAddrFlag, "127.0.0.1", "address to serve WebSocket on"),
		Int(categoryRPC, WSPortFlag, ports.WS, "port for WebSocket alone, beside the one for HTTP; 0 picks a free one, -1 serves none; none with --http.port 0 unless set"),
		Uint64(categoryRPC, GasCapFlag, 50_000_000, "gas that eth_call and eth_estimateGas may use"),
		String(categoryEngine, JITFlag, "on", "compile contracts to machine code: off, on (in the background, when they are hot), or eager (each before it first runs, for tests)"),
		Bool(categoryEngine, JITCheckFlag, "run every message with compiled code a second time without and compare; takes twice the time and more"),
		String(categoryMachine, CPUsFlag, "", "processors to run on, such as 2-7,10 (default: all that the system allows)"),
		String(categoryMachine, GCFlag, gcAuto, "garbage collection: auto (rare cycles, by the memory at hand) or go (as Go does it); GOGC and GOMEMLIMIT count in both"),
		String(categoryMachine, NUMAFlag, numaDefault, "memory nodes of the state: default (the kernel's choice), interleave (all nodes in turn), or local (those of the processors that the program runs on)"),
		Bool(categoryMachine, LockFlag, "never swap out the state; needs a limit of locked memory above it"),
		Uint64(categoryMachine, PrefaultFlag, 0, "`GiB` of memory to make ready at the start for the state to grow into"),
		Bool(categoryMetrics, MetricsFlag, "serve Prometheus metrics"),
		String(categoryMetrics, MetricsAddrFlag, "127.0.0.1", "address to serve metrics on"),
		Int(categoryMetrics, MetricsPortFlag, ports.Metrics, "port for metrics; 0 picks a free one"),
	)
}

// JSON is the flag that makes a command print its report as JSON.
func JSON(usage string) cli.Flag {
	return &cli.BoolFlag{Name: JSONFlag, Usage: usage}
}

// LogFlags are the flags of every command that logs, and of the configuration
// file.
func LogFlags() []cli.Flag {
	return []cli.Flag{
		Int(categoryLog, VerbosityFlag, 3, "how much to log: 0 nothing, 1 errors, 2 warnings, 3 info, 4 debug, 5 everything"),
		String(categoryLog, LogFormatFlag, "", "log as `terminal`, logfmt or json (default: terminal if it is one, else logfmt)"),
		String("", ConfigFlag, "", "TOML `FILE` with values for flags, such as [http] port = 8545"),
	}
}

// CheckNamespaces reports a JSON-RPC namespace that the flag wants and that is
// not among the known.
func CheckNamespaces(c *cli.Context, known []string) error {
	for _, name := range List(c.String(HTTPAPIFlag)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("cannot use --%s: no namespace %q; known are %s", HTTPAPIFlag, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// List splits a value at its commas; empty parts vanish.
func List(value string) []string {
	var list []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
