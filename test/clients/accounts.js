// The accounts that a development chain funds, those of the mnemonic that other
// development chains use as well.
import { mnemonicToAccount } from 'viem/accounts'

export const mnemonic = 'test test test test test test test test test test test junk'

// account returns one of the ten funded accounts.
export const account = (addressIndex) => mnemonicToAccount(mnemonic, { addressIndex })
