package ir

import "strconv"

// Op is an EVM opcode.
type Op uint8

// The EVM's opcodes. The families PUSH1-PUSH32, DUP1-DUP16, SWAP1-SWAP16 and
// LOG0-LOG4 are named by their ends.
const (
	STOP           Op = 0x00
	ADD            Op = 0x01
	MUL            Op = 0x02
	SUB            Op = 0x03
	DIV            Op = 0x04
	SDIV           Op = 0x05
	MOD            Op = 0x06
	SMOD           Op = 0x07
	ADDMOD         Op = 0x08
	MULMOD         Op = 0x09
	EXP            Op = 0x0a
	SIGNEXTEND     Op = 0x0b
	LT             Op = 0x10
	GT             Op = 0x11
	SLT            Op = 0x12
	SGT            Op = 0x13
	EQ             Op = 0x14
	ISZERO         Op = 0x15
	AND            Op = 0x16
	OR             Op = 0x17
	XOR            Op = 0x18
	NOT            Op = 0x19
	BYTE           Op = 0x1a
	SHL            Op = 0x1b
	SHR            Op = 0x1c
	SAR            Op = 0x1d
	CLZ            Op = 0x1e
	KECCAK256      Op = 0x20
	ADDRESS        Op = 0x30
	BALANCE        Op = 0x31
	ORIGIN         Op = 0x32
	CALLER         Op = 0x33
	CALLVALUE      Op = 0x34
	CALLDATALOAD   Op = 0x35
	CALLDATASIZE   Op = 0x36
	CALLDATACOPY   Op = 0x37
	CODESIZE       Op = 0x38
	CODECOPY       Op = 0x39
	GASPRICE       Op = 0x3a
	EXTCODESIZE    Op = 0x3b
	EXTCODECOPY    Op = 0x3c
	RETURNDATASIZE Op = 0x3d
	RETURNDATACOPY Op = 0x3e
	EXTCODEHASH    Op = 0x3f
	BLOCKHASH      Op = 0x40
	COINBASE       Op = 0x41
	TIMESTAMP      Op = 0x42
	NUMBER         Op = 0x43
	PREVRANDAO     Op = 0x44
	GASLIMIT       Op = 0x45
	CHAINID        Op = 0x46
	SELFBALANCE    Op = 0x47
	BASEFEE        Op = 0x48
	BLOBHASH       Op = 0x49
	BLOBBASEFEE    Op = 0x4a
	POP            Op = 0x50
	MLOAD          Op = 0x51
	MSTORE         Op = 0x52
	MSTORE8        Op = 0x53
	SLOAD          Op = 0x54
	SSTORE         Op = 0x55
	JUMP           Op = 0x56
	JUMPI          Op = 0x57
	PC             Op = 0x58
	MSIZE          Op = 0x59
	GAS            Op = 0x5a
	JUMPDEST       Op = 0x5b
	TLOAD          Op = 0x5c
	TSTORE         Op = 0x5d
	MCOPY          Op = 0x5e
	PUSH0          Op = 0x5f
	PUSH1          Op = 0x60
	PUSH32         Op = 0x7f
	DUP1           Op = 0x80
	DUP16          Op = 0x8f
	SWAP1          Op = 0x90
	SWAP16         Op = 0x9f
	LOG0           Op = 0xa0
	LOG4           Op = 0xa4
	CREATE         Op = 0xf0
	CALL           Op = 0xf1
	CALLCODE       Op = 0xf2
	RETURN         Op = 0xf3
	DELEGATECALL   Op = 0xf4
	CREATE2        Op = 0xf5
	STATICCALL     Op = 0xfa
	REVERT         Op = 0xfd
	INVALID        Op = 0xfe
	SELFDESTRUCT   Op = 0xff
)

// String is the opcode's name.
func (op Op) String() string {
	if name := table[op].Name; name != "" {
		return name
	}
	return "Op" + strconv.Itoa(int(op))
}

// Info is what the table knows of an opcode.
type Info struct {
	Name   string // empty: not an opcode
	Gas    uint16 // charged always; a dynamic part may come on top
	Pops   uint8
	Pushes uint8
	Since  Fork // first fork that knows it
	Props  Props
}

// Props are properties of an opcode that its tiers and its tests care for.
type Props uint8

// The properties.
const (
	halts      Props = 1 << iota // control does not go on behind it
	dynamicGas                   // it charges more than Info.Gas when it runs
	seesGas                      // what it does depends on the gas that is left
	writes                       // it is forbidden in a static call
	pure                         // it does nothing but give a word
)

// Halts reports whether control never goes on behind the opcode.
func (p Props) Halts() bool { return p&halts != 0 }

// DynamicGas reports whether the opcode charges more than its static gas.
func (p Props) DynamicGas() bool { return p&dynamicGas != 0 }

// SeesGas reports whether the opcode's effect depends on the gas that is left,
// so that gas must be exact there.
func (p Props) SeesGas() bool { return p&seesGas != 0 }

// Writes reports whether the opcode is forbidden in a static call. (CALL is too
// when it carries value.)
func (p Props) Writes() bool { return p&writes != 0 }

// Pure reports whether the opcode does nothing but give a word, so that it can
// be left out when nobody wants the word.
func (p Props) Pure() bool { return p&pure != 0 }

// Lookup returns what is known of an opcode; ok is false when fork has no such
// opcode.
func Lookup(opcode byte, fork Fork) (info *Info, ok bool) {
	info = &table[opcode]
	return info, info.Name != "" && info.Since <= fork
}

// PushSize is the number of immediate bytes behind an opcode.
func PushSize(opcode byte) int {
	if opcode < byte(PUSH1) || opcode > byte(PUSH32) {
		return 0
	}
	return int(opcode) - int(PUSH0)
}

// table is the one table of opcodes. Families are added by init.
var table = [256]Info{
	STOP:           {Name: "STOP", Gas: 0, Pops: 0, Pushes: 0, Props: halts},
	ADD:            {Name: "ADD", Gas: 3, Pops: 2, Pushes: 1},
	MUL:            {Name: "MUL", Gas: 5, Pops: 2, Pushes: 1},
	SUB:            {Name: "SUB", Gas: 3, Pops: 2, Pushes: 1},
	DIV:            {Name: "DIV", Gas: 5, Pops: 2, Pushes: 1},
	SDIV:           {Name: "SDIV", Gas: 5, Pops: 2, Pushes: 1},
	MOD:            {Name: "MOD", Gas: 5, Pops: 2, Pushes: 1},
	SMOD:           {Name: "SMOD", Gas: 5, Pops: 2, Pushes: 1},
	ADDMOD:         {Name: "ADDMOD", Gas: 8, Pops: 3, Pushes: 1},
	MULMOD:         {Name: "MULMOD", Gas: 8, Pops: 3, Pushes: 1},
	EXP:            {Name: "EXP", Gas: 10, Pops: 2, Pushes: 1, Props: dynamicGas},
	SIGNEXTEND:     {Name: "SIGNEXTEND", Gas: 5, Pops: 2, Pushes: 1},
	LT:             {Name: "LT", Gas: 3, Pops: 2, Pushes: 1},
	GT:             {Name: "GT", Gas: 3, Pops: 2, Pushes: 1},
	SLT:            {Name: "SLT", Gas: 3, Pops: 2, Pushes: 1},
	SGT:            {Name: "SGT", Gas: 3, Pops: 2, Pushes: 1},
	EQ:             {Name: "EQ", Gas: 3, Pops: 2, Pushes: 1},
	ISZERO:         {Name: "ISZERO", Gas: 3, Pops: 1, Pushes: 1},
	AND:            {Name: "AND", Gas: 3, Pops: 2, Pushes: 1},
	OR:             {Name: "OR", Gas: 3, Pops: 2, Pushes: 1},
	XOR:            {Name: "XOR", Gas: 3, Pops: 2, Pushes: 1},
	NOT:            {Name: "NOT", Gas: 3, Pops: 1, Pushes: 1},
	BYTE:           {Name: "BYTE", Gas: 3, Pops: 2, Pushes: 1},
	SHL:            {Name: "SHL", Gas: 3, Pops: 2, Pushes: 1},
	SHR:            {Name: "SHR", Gas: 3, Pops: 2, Pushes: 1},
	SAR:            {Name: "SAR", Gas: 3, Pops: 2, Pushes: 1},
	CLZ:            {Name: "CLZ", Gas: 5, Pops: 1, Pushes: 1, Since: Osaka},
	KECCAK256:      {Name: "KECCAK256", Gas: 30, Pops: 2, Pushes: 1, Props: dynamicGas},
	ADDRESS:        {Name: "ADDRESS", Gas: 2, Pops: 0, Pushes: 1},
	BALANCE:        {Name: "BALANCE", Gas: 100, Pops: 1, Pushes: 1, Props: dynamicGas},
	ORIGIN:         {Name: "ORIGIN", Gas: 2, Pops: 0, Pushes: 1},
	CALLER:         {Name: "CALLER", Gas: 2, Pops: 0, Pushes: 1},
	CALLVALUE:      {Name: "CALLVALUE", Gas: 2, Pops: 0, Pushes: 1},
	CALLDATALOAD:   {Name: "CALLDATALOAD", Gas: 3, Pops: 1, Pushes: 1},
	CALLDATASIZE:   {Name: "CALLDATASIZE", Gas: 2, Pops: 0, Pushes: 1},
	CALLDATACOPY:   {Name: "CALLDATACOPY", Gas: 3, Pops: 3, Pushes: 0, Props: dynamicGas},
	CODESIZE:       {Name: "CODESIZE", Gas: 2, Pops: 0, Pushes: 1},
	CODECOPY:       {Name: "CODECOPY", Gas: 3, Pops: 3, Pushes: 0, Props: dynamicGas},
	GASPRICE:       {Name: "GASPRICE", Gas: 2, Pops: 0, Pushes: 1},
	EXTCODESIZE:    {Name: "EXTCODESIZE", Gas: 100, Pops: 1, Pushes: 1, Props: dynamicGas},
	EXTCODECOPY:    {Name: "EXTCODECOPY", Gas: 100, Pops: 4, Pushes: 0, Props: dynamicGas},
	RETURNDATASIZE: {Name: "RETURNDATASIZE", Gas: 2, Pops: 0, Pushes: 1},
	RETURNDATACOPY: {Name: "RETURNDATACOPY", Gas: 3, Pops: 3, Pushes: 0, Props: dynamicGas},
	EXTCODEHASH:    {Name: "EXTCODEHASH", Gas: 100, Pops: 1, Pushes: 1, Props: dynamicGas},
	BLOCKHASH:      {Name: "BLOCKHASH", Gas: 20, Pops: 1, Pushes: 1},
	COINBASE:       {Name: "COINBASE", Gas: 2, Pops: 0, Pushes: 1},
	TIMESTAMP:      {Name: "TIMESTAMP", Gas: 2, Pops: 0, Pushes: 1},
	NUMBER:         {Name: "NUMBER", Gas: 2, Pops: 0, Pushes: 1},
	PREVRANDAO:     {Name: "PREVRANDAO", Gas: 2, Pops: 0, Pushes: 1},
	GASLIMIT:       {Name: "GASLIMIT", Gas: 2, Pops: 0, Pushes: 1},
	CHAINID:        {Name: "CHAINID", Gas: 2, Pops: 0, Pushes: 1},
	SELFBALANCE:    {Name: "SELFBALANCE", Gas: 5, Pops: 0, Pushes: 1},
	BASEFEE:        {Name: "BASEFEE", Gas: 2, Pops: 0, Pushes: 1},
	BLOBHASH:       {Name: "BLOBHASH", Gas: 3, Pops: 1, Pushes: 1},
	BLOBBASEFEE:    {Name: "BLOBBASEFEE", Gas: 2, Pops: 0, Pushes: 1},
	POP:            {Name: "POP", Gas: 2, Pops: 1, Pushes: 0},
	MLOAD:          {Name: "MLOAD", Gas: 3, Pops: 1, Pushes: 1, Props: dynamicGas},
	MSTORE:         {Name: "MSTORE", Gas: 3, Pops: 2, Pushes: 0, Props: dynamicGas},
	MSTORE8:        {Name: "MSTORE8", Gas: 3, Pops: 2, Pushes: 0, Props: dynamicGas},
	SLOAD:          {Name: "SLOAD", Gas: 100, Pops: 1, Pushes: 1, Props: dynamicGas},
	SSTORE:         {Name: "SSTORE", Gas: 0, Pops: 2, Pushes: 0, Props: dynamicGas | seesGas | writes},
	JUMP:           {Name: "JUMP", Gas: 8, Pops: 1, Pushes: 0, Props: halts},
	JUMPI:          {Name: "JUMPI", Gas: 10, Pops: 2, Pushes: 0},
	PC:             {Name: "PC", Gas: 2, Pops: 0, Pushes: 1},
	MSIZE:          {Name: "MSIZE", Gas: 2, Pops: 0, Pushes: 1},
	GAS:            {Name: "GAS", Gas: 2, Pops: 0, Pushes: 1, Props: seesGas},
	JUMPDEST:       {Name: "JUMPDEST", Gas: 1, Pops: 0, Pushes: 0},
	TLOAD:          {Name: "TLOAD", Gas: 100, Pops: 1, Pushes: 1},
	TSTORE:         {Name: "TSTORE", Gas: 100, Pops: 2, Pushes: 0, Props: writes},
	MCOPY:          {Name: "MCOPY", Gas: 3, Pops: 3, Pushes: 0, Props: dynamicGas},
	PUSH0:          {Name: "PUSH0", Gas: 2, Pops: 0, Pushes: 1},
	CREATE:         {Name: "CREATE", Gas: 32000, Pops: 3, Pushes: 1, Props: dynamicGas | seesGas | writes},
	CALL:           {Name: "CALL", Gas: 100, Pops: 7, Pushes: 1, Props: dynamicGas | seesGas},
	CALLCODE:       {Name: "CALLCODE", Gas: 100, Pops: 7, Pushes: 1, Props: dynamicGas | seesGas},
	RETURN:         {Name: "RETURN", Gas: 0, Pops: 2, Pushes: 0, Props: dynamicGas | halts},
	DELEGATECALL:   {Name: "DELEGATECALL", Gas: 100, Pops: 6, Pushes: 1, Props: dynamicGas | seesGas},
	CREATE2:        {Name: "CREATE2", Gas: 32000, Pops: 4, Pushes: 1, Props: dynamicGas | seesGas | writes},
	STATICCALL:     {Name: "STATICCALL", Gas: 100, Pops: 6, Pushes: 1, Props: dynamicGas | seesGas},
	REVERT:         {Name: "REVERT", Gas: 0, Pops: 2, Pushes: 0, Props: dynamicGas | halts},
	INVALID:        {Name: "INVALID", Gas: 0, Pops: 0, Pushes: 0, Props: halts},
	SELFDESTRUCT:   {Name: "SELFDESTRUCT", Gas: 5000, Pops: 1, Pushes: 0, Props: dynamicGas | writes | halts},
}

// pureOpcodes are those with the property pure.
var pureOpcodes = []Op{
	ADD, MUL, SUB, DIV, SDIV, MOD, SMOD, ADDMOD, MULMOD, SIGNEXTEND,
	LT, GT, SLT, SGT, EQ, ISZERO, AND, OR, XOR, NOT, BYTE, SHL, SHR, SAR, CLZ,
	ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATALOAD, CALLDATASIZE, CODESIZE, GASPRICE, RETURNDATASIZE,
	COINBASE, TIMESTAMP, NUMBER, PREVRANDAO, GASLIMIT, CHAINID, BASEFEE, BLOBHASH, BLOBBASEFEE,
	PC, MSIZE, GAS,
}

func init() {
	for _, op := range pureOpcodes {
		table[op].Props |= pure
	}
	for i := 1; i <= 32; i++ {
		table[int(PUSH0)+i] = Info{Name: "PUSH" + strconv.Itoa(i), Gas: 3, Pushes: 1}
	}
	for i := 1; i <= 16; i++ {
		table[int(DUP1)+i-1] = Info{Name: "DUP" + strconv.Itoa(i), Gas: 3, Pops: uint8(i), Pushes: uint8(i) + 1}
		table[int(SWAP1)+i-1] = Info{Name: "SWAP" + strconv.Itoa(i), Gas: 3, Pops: uint8(i) + 1, Pushes: uint8(i) + 1}
	}
	for i := 0; i <= 4; i++ {
		table[int(LOG0)+i] = Info{Name: "LOG" + strconv.Itoa(i), Gas: 375 * uint16(i+1), Pops: uint8(i) + 2, Props: dynamicGas | writes}
	}
}
