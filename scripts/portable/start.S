/* Where the kernel enters a portable file. What launch() returns is entered as the kernel enters a program: all of the stack is still there,
   and the register that may hold a function to be called at exit holds none. */
  .section .text.start, "ax"
  .globl _start
_start:
#if defined(__x86_64__)
  xor %ebp, %ebp
  mov %rsp, %rbx
  mov %rsp, %rdi
  call launch
  mov %rbx, %rsp
  xor %edx, %edx
  jmp *%rax
#elif defined(__aarch64__)
  mov x29, #0
  mov x30, #0
  mov x19, sp
  mov x0, sp
  bl launch
  mov x16, x0
  mov sp, x19
  mov x0, #0
  mov x30, #0
  br x16
#endif
  .section .note.GNU-stack, "", %progbits
