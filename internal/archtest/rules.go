package archtest

const (
	module = "github.com/redline-evm/redline"

	anything   = "anything"            // in a table: every package
	everywhere = "internal/invariants" // the one package of ours that needs no row

	fileLinesMax = 1500 // of hand-written code
)

// A row says what one package of ours may import of ours. Tests may import any
// package. Standing in the table is what makes a package legal.
type row struct {
	dir     string
	imports []string
}

var rows = []row{
	// Vocabulary and checks.
	{"internal/chain", nil},
	{"internal/invariants", nil},
	{"internal/archtest", nil},
	{"internal/vfs", nil},
	{"tuning", nil},

	// State.
	{"memstate/trie", []string{"memstate/trie/proof", "memstate/trie/sha64", "tuning"}},
	{"memstate/trie/proof", nil}, // stands alone: a verifier needs nothing else of ours
	{"memstate/trie/sha64", nil},
	{"memstate/trie/sha64/internal/gen", nil},
	{"memstate", []string{"internal/chain", "memstate/trie", "tuning"}},
	{"memstate/snapshot", []string{"internal/chain", "internal/vfs", "memstate", "netio/wire"}}, // a chunk is encoded state diffs
	{"memstate/wal", []string{"internal/vfs"}},

	// Engine.
	{"jit/word", nil},
	{"jit/ir", nil},
	{"jit/amd64", []string{"jit/ir", "jit/word", "tuning"}}, // tuning owns executable pages
	{"jit/wasm", []string{"jit/ir"}},
	{"jit", []string{"internal/chain", "jit/word", "jit/ir", "jit/amd64", "jit/wasm"}},
	{"jit/exec", []string{"internal/chain", "jit", "jit/word"}},

	// Network.
	{"netio/wire", []string{"internal/chain"}},
	{"netio/stream", []string{"netio/wire"}}, // headers only
	{"netio/rpc", []string{"internal/chain"}},

	// Roles.
	{"sequencer/producer", []string{"internal/chain", "jit", "jit/exec", "memstate", "netio/wire"}},
	{"fullnode/replica", []string{"internal/chain", "jit", "jit/exec", "memstate", "netio/wire"}}, // executes in replay mode only
	{"fullnode/prover", []string{"internal/chain", "jit", "jit/exec", "memstate/trie", "netio/wire"}},

	// What both programs share.
	{"internal/history", []string{"internal/chain", "internal/vfs", "netio/wire"}},
	{"internal/program", []string{"tuning"}},
	{"internal/ledger", []string{"internal/chain", "internal/history", "internal/mpt", "internal/vfs", "memstate", "memstate/snapshot", "memstate/wal", "netio/wire", "tuning"}}, // tuning: the policy of the state's memory
	{"internal/upkeep", []string{"internal/chain", "internal/ledger", "internal/program", "internal/vfs", "memstate/snapshot"}},
	{"internal/node", []string{"internal/chain", "internal/ledger", "jit", "jit/exec", "memstate", "netio/rpc", "tuning"}}, // tuning: kinds of pages

	// Suites, references and measurements.
	{"internal/mpt", []string{"internal/chain"}},
	{"internal/spectest", []string{"internal/chain", "internal/mpt", "jit", "jit/exec", "memstate"}},
	{"internal/reference", []string{"internal/chain", "jit"}},
	{"internal/evmbench", []string{"internal/chain", "internal/reference", "jit", "jit/exec", "jit/ir"}}, // ir: opcodes,
	{"internal/callbench", []string{"internal/chain", "internal/evmbench", "internal/ledger", "internal/node", "jit", "netio/rpc"}},
	{"internal/disasm", []string{"jit/amd64"}},
	{"internal/walbench", []string{"internal/chain", "internal/evmbench", "internal/vfs", "memstate/wal", "netio/wire"}},
	{"internal/snapshotbench", []string{"internal/chain", "internal/evmbench", "internal/vfs", "memstate", "memstate/snapshot"}},
	{"internal/statebench", []string{"internal/chain", "internal/evmbench", "memstate", "tuning"}},
	{"internal/evmfuzz", []string{"internal/evmbench", "internal/reference", "jit", "jit/exec", "jit/ir"}},
	{"internal/simnet", []string{anything}},

	// Programs: flags and wiring.
	{"sequencer", []string{anything}},
	{"fullnode", []string{anything}},
}

// pure packages compute and nothing else: what comes from outside is handed to
// them. A step machine gets the time with each step.
var pure = []string{
	"internal/chain", "jit/word", "jit/ir", "jit", "jit/exec", "memstate/trie", "netio/wire",
	"sequencer/producer", "fullnode/replica", "fullnode/prover",
}

// outsideWorld is the standard library's way to files, sockets and processes.
var outsideWorld = []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall"}

// A dependency says where an outside package and those below it may be imported;
// a path that ends in a slash means only those below. Of the rows that cover an
// import, the one with the longest path decides.
type dependency struct {
	path     string
	packages []string // of ours; anything for all
	files    string   // suffix of file names that may import it in every package
	tests    bool     // every test may
}

const geth = "github.com/ethereum/go-ethereum"

var (
	everyone = []string{anything}
	programs = []string{"sequencer", "fullnode", "internal/program", "internal/upkeep"}
	suites   = []string{"internal/reference", "internal/spectest", "internal/evmbench"}
)

var thirdParty = []dependency{
	// The leaf packages of go-ethereum: data, encodings, signatures, parameters.
	{path: geth, packages: everyone}, // the root package: interfaces and queries
	{path: geth + "/common", packages: everyone},
	{path: geth + "/core/types", packages: everyone},
	{path: geth + "/crypto", packages: everyone},
	{path: geth + "/params", packages: everyone},
	{path: geth + "/rlp", packages: everyone},
	{path: geth + "/accounts/abi", packages: []string{"jit/exec", "internal/node", "netio/rpc"}, tests: true},
	{path: geth + "/consensus/misc", packages: []string{"internal/chain", "jit/exec", "netio/rpc"}, tests: true}, // fee formulas

	// Precompiled contracts; its interpreter is for comparison only.
	{path: geth + "/core/vm", packages: append([]string{"jit"}, suites...), tests: true},
	// The hash of a list needs go-ethereum's stack trie.
	{path: geth + "/trie", packages: append([]string{"internal/chain", "internal/mpt"}, suites...), tests: true},
	// The rest of go-ethereum: for comparison only.
	{path: geth + "/", packages: suites, tests: true},
	// Do not resolve, or drag in what does not.
	{path: geth + "/beacon"},

	// Words.
	{path: "github.com/holiman/uint256", packages: everyone},

	// Confined to one package behind one interface.
	{path: "github.com/tetratelabs/wazero", packages: []string{"jit/wasm"}},
	{path: "github.com/valyala/fasthttp", packages: []string{"netio/rpc", "netio/stream", "internal/node"}, tests: true}, // node: the client that forwards transactions
	{path: "github.com/fasthttp/websocket", packages: []string{"netio/rpc", "netio/stream"}, tests: true},
	{path: "golang.org/x/sys", files: "_linux.go", tests: true},

	// What the processor can do.
	{path: "github.com/klauspost/cpuid/v2", packages: []string{"memstate/trie/sha64", "jit/amd64", "jit/word"}},
	{path: "github.com/cockroachdb/pebble/v2", packages: []string{"internal/statebench"}}, // the store that the state is measured against

	// Compression and checks.
	{path: "github.com/klauspost/compress", packages: []string{"netio/stream", "netio/rpc", "internal/history", "internal/ledger", "internal/spectest", "memstate/snapshot"}, tests: true},
	{path: "golang.org/x/crypto", packages: everyone},
	{path: "golang.org/x/sync", packages: everyone},

	// Programs: flags, configuration, logs, metrics.
	{path: "github.com/urfave/cli/v2", packages: programs, tests: true},
	{path: "github.com/pelletier/go-toml/v2", packages: programs, tests: true},
	{path: "github.com/lmittmann/tint", packages: programs},
	{path: "github.com/mattn/go-isatty", packages: programs},
	{path: "github.com/VictoriaMetrics/metrics", packages: everyone},

	// Tests only.
	{path: "go.uber.org/goleak", tests: true},
	{path: "pgregory.net/rapid", tests: true},
	{path: "golang.org/x/arch", packages: []string{"internal/disasm"}, tests: true}, // a disassembler
}

// drawers are folder names that say nothing of the domain.
var drawers = []string{
	"base", "common", "helper", "helpers", "interfaces", "lib", "misc", "shared",
	"types", "util", "utils",
}
