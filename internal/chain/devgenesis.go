package chain

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// DevChainID is the chain id of a development chain.
const DevChainID = 1337

// devGasLimit is the gas of one EVM block, that is of one second. Its half, the
// target of EIP-1559, holds 100,000 ERC-20 transfers.
const devGasLimit = 10_000_000_000

// DevMnemonic is the phrase that development tools share. Its keys are public:
// they protect nothing.
const DevMnemonic = "test test test test test test test test test test test junk"

// DevAccount is an account whose private key everyone knows.
type DevAccount struct {
	Address common.Address
	Key     string // private key, hex with 0x
}

// DevAccounts are the accounts m/44'/60'/0'/0/0 to 9 of DevMnemonic.
var DevAccounts = [10]DevAccount{
	devAccount("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
	devAccount("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
	devAccount("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
	devAccount("0x90F79bf6EB2c4f870365E785982E1f101E93b906", "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
	devAccount("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
	devAccount("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc", "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
	devAccount("0x976EA74026E726554dB657fA54763abd0C3a0aa9", "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
	devAccount("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955", "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
	devAccount("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f", "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
	devAccount("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720", "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
}

func devAccount(address, key string) DevAccount {
	return DevAccount{Address: common.HexToAddress(address), Key: key}
}

// PrivateKey is the account's key, ready to sign.
func (a DevAccount) PrivateKey() *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(common.FromHex(a.Key))
	if err != nil {
		panic(fmt.Sprintf("BUG: key of development account %s: %v", a.Address, err))
	}
	return key
}

// DevGenesis is the genesis of a development chain: Osaka from the start, the
// system contracts in place, 10,000 ether for each of the DevAccounts, fees to
// the sequencer.
func DevGenesis(sequencer common.Address) *Genesis {
	g := &Genesis{
		Config:     devConfig(),
		Limits:     Limits{MiniBlockMs: 10},
		Sequencer:  sequencer,
		GasLimit:   devGasLimit,
		Difficulty: new(big.Int),
		Coinbase:   sequencer,
		BaseFee:    big.NewInt(params.InitialBaseFee),
		Alloc:      types.GenesisAlloc{},
	}
	g.AddSystemContracts()
	balance := new(big.Int).Mul(big.NewInt(10_000), big.NewInt(params.Ether))
	for _, a := range DevAccounts {
		g.Alloc[a.Address] = types.Account{Balance: balance}
	}
	return g
}

func devConfig() *params.ChainConfig {
	return &params.ChainConfig{
		ChainID:                 big.NewInt(DevChainID),
		HomesteadBlock:          new(big.Int),
		EIP150Block:             new(big.Int),
		EIP155Block:             new(big.Int),
		EIP158Block:             new(big.Int),
		ByzantiumBlock:          new(big.Int),
		ConstantinopleBlock:     new(big.Int),
		PetersburgBlock:         new(big.Int),
		IstanbulBlock:           new(big.Int),
		BerlinBlock:             new(big.Int),
		LondonBlock:             new(big.Int),
		MergeNetsplitBlock:      new(big.Int),
		ShanghaiTime:            new(uint64),
		CancunTime:              new(uint64),
		PragueTime:              new(uint64),
		OsakaTime:               new(uint64),
		TerminalTotalDifficulty: new(big.Int),
		BlobScheduleConfig: &params.BlobScheduleConfig{
			Cancun: params.DefaultCancunBlobConfig,
			Prague: params.DefaultPragueBlobConfig,
		},
	}
}
