// The accounts that a development chain funds, those of the mnemonic that other
// development chains use as well.
import { mnemonicToAccount } from 'viem/accounts'

export const mnemonic = 'test test test test test test test test test test test junk'
export const accountCount = 10

const accounts = [] // to derive one takes a while

// account returns one of the funded accounts, by its index.
export const account = (addressIndex) => (accounts[addressIndex] ??= mnemonicToAccount(mnemonic, { addressIndex }))
