// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Calls that try to exhaust the node that runs them.
contract Hostile {
    uint256 public calls;

    /// Calls itself until `depth` is used up, the call depth of the EVM is
    /// reached or gas runs out.
    function recurse(uint256 depth) external returns (uint256 reached) {
        calls++;
        if (depth == 0) return 0;
        (bool ok, bytes memory output) = address(this).call(abi.encodeCall(this.recurse, (depth - 1)));
        return ok ? abi.decode(output, (uint256)) + 1 : 0;
    }

    /// Touches memory at an offset.
    function grow(uint256 offset) external pure {
        assembly ("memory-safe") {
            mstore(offset, 1)
        }
    }

    /// Returns as many zero bytes as asked for.
    function flood(uint256 size) external pure {
        assembly ("memory-safe") {
            return(0, size)
        }
    }

    /// Never ends by itself.
    function spin() external {
        while (true) calls++;
    }
}
