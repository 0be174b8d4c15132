# memset and memcpy, which compilers call on their own. By words where places allow it.

    .text
    .globl memset
memset:                         # a0: place, a1: byte, a2: count
    mv a3, a0
    andi a1, a1, 255
    slli a4, a1, 8
    or a1, a1, a4
    slli a4, a1, 16
    or a1, a1, a4
    li a5, 4
1:  andi a4, a3, 3
    beqz a4, 2f
    beqz a2, 4f
    sb a1, 0(a3)
    addi a3, a3, 1
    addi a2, a2, -1
    j 1b
2:  bltu a2, a5, 3f
    sw a1, 0(a3)
    addi a3, a3, 4
    addi a2, a2, -4
    j 2b
3:  beqz a2, 4f
    sb a1, 0(a3)
    addi a3, a3, 1
    addi a2, a2, -1
    j 3b
4:  ret

    .globl memcpy
memcpy:                         # a0: to, a1: from, a2: count
    mv a3, a0
    li a5, 4
    or a4, a0, a1
    andi a4, a4, 3
    bnez a4, 2f
1:  bltu a2, a5, 2f
    lw a4, 0(a1)
    sw a4, 0(a3)
    addi a1, a1, 4
    addi a3, a3, 4
    addi a2, a2, -4
    j 1b
2:  beqz a2, 3f
    lbu a4, 0(a1)
    sb a4, 0(a3)
    addi a1, a1, 1
    addi a3, a3, 1
    addi a2, a2, -1
    j 2b
3:  ret
